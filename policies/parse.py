"""Reads a row of the `policies` table: a whole Policy, or every problem at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from policies import values
from policies.approvers import ApproversRule, lacks_approvers
from policies.cells import EXAMPLES, LOCKED, Cell, effective
from policies.checks import read_checks
from policies.durations import write_duration
from policies.errors import CellError, PolicyError, Problem, quoted
from policies.gate import Rule
from policies.gate_cells import GATES
from policies.keys import DEFAULTS, Place, read_pattern, read_place
from policies.model import NAME, AppRef, Policy
from policies.steps import PRESETS, Steps, read_steps
from policies.tag_cell import read_tags
from policies.window import WindowRule, never_fits
from rollouts.checks import OF_REQUESTS, Check, OnNoData
from rollouts.model import Mode, OnDrift, OnFailure, OnNewImage, Plan

T = TypeVar("T")

USUAL_CHECKS = "restarts == 0; errors <= stable x 2"
USUAL_CHECKS_REPLACING = "restarts == 0"  # no ingress: there is no request to count
_LEAST_DEADLINE = timedelta(hours=1)
_AGREEABLE = {"Steps": "100% for 1s", "Approvers": EXAMPLES["Approvers"]}  # contradict no other cell
_NOT_IN_VERSION = frozenset({"Status", "Note", "Runbook", "Notify"})  # what they say changes nothing that ships


class _Row:
    """The cells of one row while it is read, and what was found wrong so far."""

    def __init__(self, cells: dict[str, Cell], problems: list[Problem]) -> None:
        self.cells = cells
        self.problems = problems

    def read(self, column: str, reader: Callable[[str, str], T], default: T) -> T:
        """The cell's value; a problem is noted and the default goes on in its place."""
        cell = self.cells.get(column)
        if cell is None:
            return default
        try:
            value = reader(cell.text, cell.name)
        except CellError as error:
            hint = next((problem.hint for problem in error.problems if problem.hint), "")
            self.problems += [_typed(cell, hint)] if cell.typed else error.problems
            return default
        if cell.typed:
            self.problems.append(_typed(cell, ""))
        return value


def _typed(cell: Cell, hint: str) -> Problem:
    expected = f"text as in {quoted(EXAMPLES[cell.column])}"
    return Problem(column=cell.name, expected=expected, found=cell.typed, hint=hint)


def parse(partition: str, key: str, columns: Mapping[str, object], defaults: Mapping[str, object] | None) -> Policy:
    """The policy of a row; raises `PolicyError` with all its problems.

    columns: without keys and Timestamp. defaults: the columns of the registry's `defaults` row, None without one.
    """
    problems: list[Problem] = []
    place = read_place(partition, key, problems)
    row = _Row(effective(columns, defaults, problems), problems)
    app = _app(row)
    repository = _repository(row, place)
    container = row.read("Container", values.container, "")
    tags = row.read("Tags", read_tags, read_tags("semver"))
    gates = _gates(row)
    plan = _approved(_plan(row), gates.values())
    takes = sum((step.bake for step in plan.steps), timedelta())
    _check_windows(row, gates, takes)
    _check_approvers(row, gates, plan)
    if problems:
        raise PolicyError(f"{partition}/{key}", problems)
    return Policy(
        key=f"{partition}/{key}",
        registry=place.registry,
        repository=repository,
        name=place.name,
        app=app,
        container=container,
        tags=tags,
        plan=plan,
        gates=tuple(gates.values()),
        mode=plan.mode,
        version=_version(row.cells),
        takes=takes,
    )


def check_defaults(partition: str, columns: Mapping[str, object]) -> None:
    """Read a `defaults` row by itself; raises `PolicyError` as `parse` does for a row that ships."""
    # Any name and app will do: only what the cells themselves hold is being asked.
    probe = {"App": "group/app", "Repository": "*"}
    # What it leaves blank its rows may fill in each for itself, so that no two cells contradict one another there.
    shared = effective({}, columns, [])
    probe |= {name: text for name, text in _AGREEABLE.items() if name not in shared}
    try:
        parse(partition, "any", probe, columns)
    except PolicyError as error:
        raise PolicyError(f"{partition}/{DEFAULTS}", error.problems) from None


def _app(row: _Row) -> AppRef:
    if "App" not in row.cells:
        expected = '"<group>/<app>" or a resource id'
        row.problems.append(Problem(column="App", expected=expected, found="none"))
    return row.read("App", values.app, AppRef(text=""))


def _repository(row: _Row, place: Place) -> str:
    cell = row.cells.get("Repository")
    if place.repository is not None:
        if cell is not None:
            expected = "a blank cell: this row's PartitionKey already names its repository"
            row.problems.append(Problem(column=cell.name, expected=expected, found=quoted(cell.text)))
        return place.repository
    if cell is None:
        return _every_repository(row)
    problem = read_pattern(cell.text, cell.name)
    if problem or cell.typed:
        row.problems.append(problem or _typed(cell, ""))
    return cell.text


def _every_repository(row: _Row) -> str:
    """A pattern row without a Repository is about all of them; then each must have an app of its own."""
    app = row.cells.get("App")
    if app is not None and NAME not in app.text:
        expected = f'a pattern as in "shop/*", for the row stands under "|*" and its App has no {NAME}'
        row.problems.append(Problem(column="Repository", expected=expected, found="none"))
    return "*"


def _gates(row: _Row) -> dict[str, Rule]:
    """One rule a gate column, and one more where the registry's defaults row locks it."""
    read = ((name, row.read(name, GATES[name.removesuffix(LOCKED)], None)) for name in _gate_names())
    return {name: rule for name, rule in read if rule is not None}


def _gate_names() -> list[str]:
    return [name for column in GATES for name in (column, column + LOCKED)]


def _check_windows(row: _Row, gates: Mapping[str, Rule], takes: timedelta) -> None:
    """A window that no rollout of the row could ever start in."""
    if any(problem.column.startswith("Steps") for problem in row.problems):
        return  # how long a rollout takes is not known
    for name, rule in gates.items():
        found = never_fits(rule, takes) if isinstance(rule, WindowRule) else ""
        if found:
            expected = "one stretch as long as the bakes of Steps"
            row.problems.append(Problem(column=row.cells[name].name, expected=expected, found=found))


def _check_approvers(row: _Row, gates: Mapping[str, Rule], plan: Plan) -> None:
    """Steps that wait for people whom no cell names would wait for ever."""
    asking = lacks_approvers(plan.steps, gates.values())
    if asking and not any(problem.column.startswith("Approvers") for problem in row.problems):
        expected = f"who approves, as in {quoted(EXAMPLES['Approvers'])}, for Steps waits for people at {asking}"
        row.problems.append(Problem(column="Approvers", expected=expected, found="none"))


def _approved(plan: Plan, gates: Iterable[Rule]) -> Plan:
    """The plan with whom its steps ask; a step without a time of its own takes the shortest of theirs."""
    needs = tuple(rule.need for rule in gates if isinstance(rule, ApproversRule))
    within = min((need.within for need in needs if need.within), default=None)
    steps = tuple(
        replace(step, approve_within=step.approve_within or within) if step.until_approved else step
        for step in plan.steps
    )
    return replace(plan, steps=steps, approvers=needs)


def _plan(row: _Row) -> Plan:
    steps = row.read("Steps", read_steps, read_steps(PRESETS["canary"]))
    bakes = sum((step.bake for step in steps.steps), timedelta())
    deadline = row.read("Deadline", values.duration, max(3 * bakes, _LEAST_DEADLINE))
    if deadline < bakes:
        found = f"{write_duration(deadline)} for bakes of {write_duration(bakes)}"
        name = row.cells["Deadline"].name if "Deadline" in row.cells else "Deadline"
        hint = write_duration(max(3 * bakes, _LEAST_DEADLINE))
        row.problems.append(Problem(column=name, expected="at least the bakes of Steps", found=found, hint=hint))
    return Plan(
        steps=steps.steps,
        replace=steps.replace,
        checks=_checks(row, steps),
        deadline=deadline,
        keep=row.read("Keep", values.duration_or_none, timedelta(hours=1)),
        on_no_data=row.read("OnNoData", values.word(OnNoData), OnNoData.PROBE),
        on_failure=row.read("OnFailure", values.word(OnFailure), OnFailure.ROLLBACK),
        on_new_image=row.read("OnNewImage", values.word(OnNewImage), OnNewImage.SUPERSEDE),
        on_drift=row.read("OnDrift", values.word(OnDrift), OnDrift.PAUSE),
        mode=row.read("Mode", values.mode, Mode.ON),
        notify=row.read("Notify", values.channels, ("default",)),
        runbook=row.read("Runbook", values.address, ""),
    )


def _checks(row: _Row, steps: Steps) -> tuple[Check, ...]:
    usual = read_checks(USUAL_CHECKS_REPLACING if steps.replace else USUAL_CHECKS)
    checks = row.read("Checks", read_checks, usual)
    if steps.replace:
        for check in checks:
            if expected := _out_of_place(check):
                name = row.cells["Checks"].name
                row.problems.append(Problem(column=name, expected=expected, found=quoted(check.text)))
    return checks


def _out_of_place(check: Check) -> str:
    """What is expected instead of this check where the canary replaces stable; "" if it may stand."""
    gauge = check.gauge
    if check.kind in OF_REQUESTS or (gauge is not None and gauge.percentile is not None):
        return 'no check of requests with Steps "replace", which is for apps without ingress'
    if gauge is not None and gauge.times is not None:
        return 'a number of its own with Steps "replace", where no stable runs beside the canary'
    return ""


def _version(cells: Mapping[str, Cell]) -> str:
    counted = {column: cell.text for column, cell in cells.items() if column not in _NOT_IN_VERSION}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()[:12]
