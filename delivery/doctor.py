"""What an installation can see of itself, all at once, for `weighbridge doctor`. Nothing of it moves traffic."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from delivery import doctor_app, doctor_call, doctor_registry, doctor_store, names
from delivery.diagnosis import AUTHOR, DEPLOYS, Diagnosis, State, examined
from policies import lint
from rollouts.model import Mode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from delivery.ports import Ports
    from policies.lint import Linted
    from policies.model import Policy

MOST_APPS = 20  # each costs 4 calls of Azure Resource Manager, whose reads refill at 25 a second
MOST_REGISTRIES = 20
MOST_BROKEN = 20

Json = dict[str, object]


async def examine(ports: Ports) -> Json:
    """Everything, and an open call that goes through the queues meanwhile; the caller reads and ends it.

    Raises `DeliveryError` when the store does not answer at all.
    """
    call = await doctor_call.open_call(ports)
    queues = [examined("queue", name, doctor_store.queue(ports, name, call)) for name in names.QUEUES]
    tables = [examined("table", name, doctor_store.table(ports, name, call)) for name in names.TABLES]
    itself = [
        examined("timers", "", doctor_store.timers(ports)),
        examined("late", "", doctor_store.late(ports)),
        examined("parked", "", doctor_store.parked(ports)),
        examined("switch", "", doctor_store.stopped(ports)),
    ]
    found = await asyncio.gather(*tables, *queues, *itself)
    checked = lint.check(await ports.rows.scan(names.POLICIES), whole=True)
    policies = [one.policy for one in checked if one.policy is not None and one.policy.mode is not Mode.OFF]
    registries = _registries(policies)
    outside = await asyncio.gather(*_outside(ports, policies, registries))
    diagnoses = [Diagnosis(check="settings", found="none is missing or wrong")]
    diagnoses += [one for some in found for one in some]
    diagnoses += [*_rows(checked), *(one for some in outside for one in some), *_left_out(ports, policies, registries)]
    return {
        "call": call,
        "site": ports.settings.site,
        "registries": sorted(registries),
        "diagnoses": [one.json() for one in diagnoses],
    }


async def one_app(ports: Ports, key: str) -> Json:
    """What can be said of one app, which need not be in any row yet."""
    return {"diagnoses": [one.json() for one in await doctor_app.with_registries(ports, key)]}


def settings(problems: Iterable[str]) -> Json:
    """Of an installation whose settings do not let it begin: nothing else can be asked."""
    return {
        "call": "",
        "site": "",
        "registries": [],
        "diagnoses": [_setting(problem).json() for problem in problems],
    }


def _setting(problem: str) -> Diagnosis:
    name, _, wrong = problem.partition(": ")
    expected, _, found = wrong.partition(", found ")
    where = '-g "$AZURE_RESOURCE_GROUP" -n "$AZURE_FUNCTION_APP_NAME"'
    do = f"az functionapp config appsettings set {where} --settings {name}=…; docs/settings.md"
    return Diagnosis(
        check="settings",
        subject=name,
        state=State.BROKEN,
        found=found or wrong,
        expected=expected.removeprefix("expected ") if found else "",
        who=DEPLOYS,
        do=do,
    )


def _rows(checked: Iterable[Linted]) -> list[Diagnosis]:
    rows = list(checked)
    broken = [one for one in rows if one.error is not None]
    told = [
        Diagnosis(
            check="rows",
            subject=one.key,
            state=State.BROKEN,
            found="; ".join(str(problem) for problem in one.error.problems) if one.error else "",
            expected="a row that can be read; it ships nothing",
            who=AUTHOR,
            do=f"weighbridge policy get {_named(one)}, then weighbridge policy set {_named(one)} COLUMN=VALUE",
        )
        for one in broken[:MOST_BROKEN]
    ]
    good = sum(one.policy is not None for one in rows)
    if good and not broken:
        return [Diagnosis(check="rows", found=f"{good} of {good} can be read")]
    if not good and not broken:
        do = "weighbridge adopt GROUP/APP"
        nothing = "nothing is shipped without"
        return [
            Diagnosis(
                check="rows", state=State.WARNING, found="no policy row", expected=nothing, who="app teams", do=do
            )
        ]
    return told


def _named(row: Linted) -> str:
    return row.key.replace("|", "/")


def _registries(policies: Iterable[Policy]) -> dict[str, str]:
    """Each login server with one repository of it: a plain one where there is."""
    found: dict[str, str] = {}
    for policy in sorted(policies, key=lambda one: ("*" in one.repository, one.key)):
        found.setdefault(policy.registry, policy.repository)
    return found


def _apps(ports: Ports, policies: Iterable[Policy]) -> list[str]:
    """Keys of the apps of rows; of a pattern row with `{name}` none can be told."""
    subscription = ports.settings.subscription
    named = [one for one in policies if not ("{name}" in one.app.text and "*" in one.repository)]
    return sorted({one.app.app_key(subscription, one.repository) for one in named})


def _outside(ports: Ports, policies: list[Policy], registries: dict[str, str]) -> list[Awaitable[list[Diagnosis]]]:
    asked = list(registries.items())[:MOST_REGISTRIES]
    return [
        *(examined("registry", server, doctor_registry.lists(ports, server, one)) for server, one in asked),
        *(examined("heard", server, doctor_registry.heard(ports, server)) for server, _ in asked),
        *(
            examined("app", names.resource_id(key).rpartition("/")[2], doctor_app.of_app(ports, key))
            for key in _apps(ports, policies)[:MOST_APPS]
        ),
    ]


def _left_out(ports: Ports, policies: list[Policy], registries: dict[str, str]) -> list[Diagnosis]:
    counts = (
        ("app", len(_apps(ports, policies)), MOST_APPS, "weighbridge doctor --app GROUP/APP, for each that matters"),
        ("registry", len(registries), MOST_REGISTRIES, "weighbridge doctor --app GROUP/APP, for an app of each"),
    )
    return [
        Diagnosis(
            check=check,
            state=State.WARNING,
            found=f"{most} of {count} were looked at",
            expected="all of them",
            who=DEPLOYS,
            do=do,
        )
        for check, count, most, do in counts
        if count > most
    ]
