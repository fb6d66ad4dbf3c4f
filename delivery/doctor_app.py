"""One app, as `doctor` and `adopt` have it looked at: with the installation's own rights, from where it stands."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import names
from delivery.diagnosis import AUTHOR, GIVES_ROLES, OPERATOR_ROLE, Diagnosis, State, examined, grant
from delivery.doctor_registry import lists
from delivery.errors import Refused
from policies.containers import split_reference
from rollouts import traffic
from rollouts.checks import ProbeSpec
from rollouts.model import Stable

if TYPE_CHECKING:
    from delivery.ports import Ports
    from rollouts.seen import AppSeen

# What the role Weighbridge Operator grants on an app; a test holds them together.
WANTED = (
    "Microsoft.App/containerApps/read",
    "Microsoft.App/containerApps/write",
    "Microsoft.App/containerApps/revisions/read",
    "Microsoft.App/containerApps/revisions/replicas/read",
    "Microsoft.App/containerApps/revisions/activate/action",
    "Microsoft.App/containerApps/revisions/deactivate/action",
    "Microsoft.Insights/metrics/read",
)
_COUNTED = timedelta(minutes=10)
_FORBIDDEN, _NOT_FOUND = 403, 404


async def of_app(ports: Ports, key: str) -> list[Diagnosis]:
    """Everything about an app: 2 GETs, 2 more side by side, and one probe, which wakes an app that sleeps."""
    resource = names.resource_id(key)
    named = _named(resource)
    try:
        seen = await ports.apps.look(resource)
    except Refused as error:
        return [_not_seen(named, resource, error)]
    found = await asyncio.gather(
        examined("rights", named, _rights(ports, named, resource)),
        examined("metrics", named, _metrics(ports, named, resource, seen)),
        _probe(ports, named, seen),
    )
    return [_mode(named, seen), *(one for some in found for one in some)]


async def with_registries(ports: Ports, key: str) -> list[Diagnosis]:
    """The same, and the registries that the app's images come from: what a first policy row will lean on."""
    seen, found = await asyncio.gather(
        _images(ports, key), examined("app", _named(names.resource_id(key)), of_app(ports, key))
    )
    places = {tuple(where.split("/", 1)) for where in seen if "." in where.partition("/")[0] and "/" in where}
    listed = await asyncio.gather(
        *(examined("registry", server, lists(ports, server, repository)) for server, repository in sorted(places))
    )
    return [*found, *(one for some in listed for one in some)]


async def _images(ports: Ports, key: str) -> list[str]:
    try:
        seen = await ports.apps.look(names.resource_id(key))
    except Refused:
        return []  # that it cannot be looked at is found beside this
    return [split_reference(image)[0] for image in seen.images.values()]


def _named(resource: str) -> str:
    parts = resource.split("/")
    return f"{parts[4]}/{parts[-1]}" if len(parts) > 5 else resource  # noqa: PLR2004 - of a resource id


def _not_seen(named: str, resource: str, error: Refused) -> Diagnosis:
    who, do = AUTHOR, "correct App in the policy row"
    if error.status == _FORBIDDEN:
        who, do = GIVES_ROLES, grant(OPERATOR_ROLE, resource)
    elif error.status != _NOT_FOUND:
        do = "the answer above says why; ask again when it is mended"
    expected = "an app that the identity may read"
    return Diagnosis(
        check="app", subject=named, state=State.BROKEN, found=str(error), expected=expected, who=who, do=do
    )


def _mode(named: str, seen: AppSeen) -> Diagnosis:
    if seen.multiple:
        return Diagnosis(check="app", subject=named, found=f"there, {len(seen.revisions)} revisions, Multiple mode")
    return Diagnosis(
        check="app",
        subject=named,
        state=State.WARNING,
        found="there, in Single mode",
        expected="Multiple mode: every rollout is refused until then",
        who="who owns the app",
        do=f"weighbridge adopt {named}",
    )


async def _rights(ports: Ports, named: str, resource: str) -> list[Diagnosis]:
    lacking: tuple[str, ...] = ()
    try:
        lacking = await ports.rights.lacking(resource, WANTED)
    except Refused as error:
        if error.status != _FORBIDDEN:
            raise
        lacking = ("Microsoft.Authorization/permissions/read",)
    if not lacking:
        return [Diagnosis(check="rights", subject=named, found="all that the role gives")]
    told = Diagnosis(
        check="rights",
        subject=named,
        state=State.BROKEN,
        found=f"the identity lacks {', '.join(lacking)}",
        expected="the role Weighbridge Operator on the app or its resource group",
        who=GIVES_ROLES,
        do=grant(OPERATOR_ROLE, resource),
    )
    return [told]


async def _metrics(ports: Ports, named: str, resource: str, seen: AppSeen) -> list[Diagnosis]:
    stable = traffic.stable(seen)
    if not seen.ingress or seen.tcp or not isinstance(stable, Stable):
        return [Diagnosis(check="metrics", subject=named, found="none to read: no one revision takes HTTP requests")]
    until = ports.clock.now() - ports.settings.settle
    name = stable.revision
    try:
        totals = await ports.metrics.totals(resource, name, name, until - _COUNTED, until)
    except Refused as error:
        told = Diagnosis(
            check="metrics",
            subject=named,
            state=State.BROKEN,
            found=str(error),
            expected="request counts: `errors` of a canary cannot be judged without",
            who=GIVES_ROLES,
            do=grant(OPERATOR_ROLE, resource),
        )
        return [told]
    return [Diagnosis(check="metrics", subject=named, found=f"{totals.stable.requests} requests in ten minutes")]


async def _probe(ports: Ports, named: str, seen: AppSeen) -> list[Diagnosis]:
    stable = traffic.stable(seen)
    revision = seen.revision(stable.revision) if isinstance(stable, Stable) else None
    if revision is None or not revision.fqdn or seen.tcp:
        return [Diagnosis(check="probe", subject=named, found="no address that answers HTTP")]
    answer = await ports.prober.probe(revision.fqdn, ProbeSpec())
    if answer.status is not None:
        return [Diagnosis(check="probe", subject=named, found=f"{revision.fqdn} answers {answer.status}")]
    told = Diagnosis(
        check="probe",
        subject=named,
        state=State.BROKEN,
        found=f"{revision.fqdn}: {answer.because}",
        expected="an answer of any status; canaries are probed so, and are never ready without",
        who="who owns the network",
        do="an internal app: put the function app into its network (WEIGHBRIDGE_SUBNET_ID in docs/deploy.md), or set "
        "WEIGHBRIDGE_PROBE_VIA; IP rules: allow the function app's outbound addresses",
    )
    return [told]
