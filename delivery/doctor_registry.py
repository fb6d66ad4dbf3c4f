"""The registries that policy rows name, as `doctor` looks at them: do they answer, and were they ever heard from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery import names
from delivery.diagnosis import DEPLOYS, GIVES_ROLES, Diagnosis, State, grant
from delivery.errors import Refused
from delivery.heard import HEARD

if TYPE_CHECKING:
    from delivery.ports import Ports

_DENIED = (401, 403)


async def lists(ports: Ports, registry: str, repository: str) -> list[Diagnosis]:
    """Whether a repository's tags may be read; of a pattern ("*" in it), whether the catalogue may: 1 call."""
    try:
        if "*" in repository or "?" in repository:
            count, of = len(await ports.registry.repositories(registry, 1)), "repositories"
        else:
            count, of = len(await ports.registry.tags(registry, repository)), f"tags of {repository}"
    except Refused as error:
        return [_refused(registry, error)]
    if count:
        return [Diagnosis(check="registry", subject=registry, found=f"lists {of}")]
    told = Diagnosis(
        check="registry",
        subject=registry,
        state=State.WARNING,
        found=f"lists no {of}",
        expected="something to ship",
        who="who builds the images",
        do=f"push to {registry}/{repository}, or correct the row's PartitionKey",
    )
    return [told]


async def heard(ports: Ports, registry: str) -> list[Diagnosis]:
    """Whether an event of it ever came: 1 read. An instance notes it once, at the first that it hears."""
    row = await ports.rows.get(names.NAMES, HEARD, registry)
    if row is not None:
        at = f"{row.timestamp:%Y-%m-%d %H:%M} UTC"
        return [Diagnosis(check="heard", subject=registry, found=f"heard from, at {at} or later")]
    told = Diagnosis(
        check="heard",
        subject=registry,
        state=State.WARNING,
        found="no event of it ever came",
        expected="a push heard of",
        who=DEPLOYS,
        do="push an image; when it stays so: azd hooks run postdeploy, and docs/events.md",
    )
    return [told]


def _refused(registry: str, error: Refused) -> Diagnosis:
    name = registry.partition(".")[0]
    denied = error.status in _DENIED
    scope = f'"$(az acr show -n {name} --query id -o tsv)"'
    return Diagnosis(
        check="registry",
        subject=registry,
        state=State.BROKEN,
        found=str(error),
        expected="to list and read what rows select",
        who=GIVES_ROLES if denied else DEPLOYS,
        do=grant("AcrPull", scope) if denied else f"az acr check-health -n {name} --yes",
    )
