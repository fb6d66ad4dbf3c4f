"""The rows `names | metric | <name>`: where a number is asked for, with which query, and the asking itself.

A row that is missing or wrong makes its check errored, so a canary waits where it is: it neither passes nor fails on a
number nobody can ask for. The watch over policy rows says so before any image does.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from delivery import names
from delivery.errors import Refused
from delivery.ports import MetricRow
from delivery.reading import ask
from rollouts import gauges
from rollouts.seen import MetricSeen, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from delivery.ports import Ports, Row, Rows
    from policies.model import Policy
    from rollouts.checks import Check, Gauge, Reading
    from rollouts.gauges import Asking
    from rollouts.model import App, Rollout

METRIC = "metric"
REVISION = "{revision}"
_GUID = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_IN_GROUP = rf"/subscriptions/{_GUID}/resourcegroups/[\w.()-]{{1,90}}/providers"
_WORKSPACE = re.compile(
    rf"{_GUID}|{_IN_GROUP}/microsoft\.operationalinsights/workspaces/[\w-]{{1,63}}", re.ASCII | re.IGNORECASE
)
_COMPONENT = re.compile(rf"{_IN_GROUP}/microsoft\.insights/components/[\w.()-]{{1,260}}", re.ASCII | re.IGNORECASE)
# Per kind: the column that says where, what it may hold, and how a problem says so.
_PLACES = {
    "loganalytics": ("workspace", _WORKSPACE, "the id of a Log Analytics workspace"),
    "appinsights": ("app", _COMPONENT, "the resource id of an Application Insights component"),
}


def read(gauge: Gauge, row: Row | None) -> MetricRow:
    """The row of a gauge; raises `Refused` with all that is wrong for what is asked of it."""
    where = f"names|{METRIC}|{gauge.name}"
    if row is None:
        raise Refused(f"expected a row {where}, found none")
    cells = {name.lower(): str(value).strip() for name, value in row.columns.items()}
    kind, query = cells.get("kind", "").lower(), cells.get("query", "")
    problems: list[str] = []
    place = ""
    if kind in _PLACES:
        column, form, expected = _PLACES[kind]
        place = cells.get(column, "")
        if form.fullmatch(place) is None:
            problems.append(f"{column}: expected {expected}, found {'another text' if place else 'nothing'}")
    else:
        problems.append(f"kind: expected {' or '.join(_PLACES)}, found {'another word' if kind else 'nothing'}")
    if gauge.percentile is None and not query:
        problems.append("query: expected KQL that answers one row with a column value, found nothing")
    elif gauge.percentile is None and gauge.times is not None and REVISION not in query:
        problems.append(f"query: expected {REVISION} in it, for the limit is beside stable, found none")
    if problems:
        raise Refused(f"{where}: {'; '.join(problems)}")
    return MetricRow(name=gauge.name, kind=kind, place=place, query=query)


async def broken(rows: Rows, policy: Policy) -> str:
    """What is wrong with the rows a policy's checks name, "" if nothing is: 1 read for each."""
    wrong: list[str] = []
    for gauge in (check.gauge for check in policy.plan.checks if check.gauge is not None):
        row = await rows.get(names.NAMES, METRIC, gauge.name)
        try:
            read(gauge, row)
        except Refused as refused:
            label = f"{METRIC} {gauge.name}" if gauge.percentile is None else f"p{gauge.percentile}"
            wrong.append(f"{label}: {refused}")
    return "; ".join(wrong)


async def asked(ports: Ports, app: App, now: datetime) -> Mapping[int, MetricSeen | Unknown]:
    """The numbers that are due in this tick, all asked for at once: one read and up to two queries for each."""
    live = app.live
    if live is None or live.plan is None:
        return {}
    due = gauges.due(live, now, settle=ports.settings.settle, every=ports.settings.look_every)
    found = await asyncio.gather(
        *(_seen(ports, app, live, live.plan.checks[place], asking) for place, asking in due.items())
    )
    return dict(zip(due, found, strict=True))


async def _seen(ports: Ports, app: App, live: Rollout, check: Check, asking: Asking) -> MetricSeen | Unknown:
    revisions = [live.canary, *([live.stable.revision] if live.stable and asking.stable else [])]
    readings: list[Reading] = []
    for answer in await asyncio.gather(*(ask(_reading(ports, app, check, asking, name)) for name in revisions)):
        if isinstance(answer, Unknown):
            return answer
        readings.append(answer)
    canary, *beside = readings
    return MetricSeen(since=asking.since, until=asking.until, canary=canary, stable=beside[0] if beside else None)


async def _reading(ports: Ports, app: App, check: Check, asking: Asking, revision: str) -> Reading:
    if check.gauge is None:
        raise Refused("expected a check that a query answers, found another")
    row = read(check.gauge, await ports.rows.get(names.NAMES, METRIC, check.gauge.name))
    resource = names.resource_id(app.key)
    return await ports.queries.ask(row, resource, revision, check.gauge.percentile, asking.since, asking.until)
