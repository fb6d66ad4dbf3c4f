"""What of Azure is not known well enough to be built in: each is a switch with a default, and says what it rests on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class KnobError(ValueError):
    """A switch that there is not, or a value it does not take."""


def _knob(default: str, takes: str, point: int, evidence: str) -> str:
    """takes: what it may be, as a regular expression that a person reads, too."""
    found: str = field(default=default, metadata={"takes": takes, "point": point, "evidence": evidence})
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Texts, as they are given on the command line. point: of the fidelity list."""

    day: str = _knob(
        "usual",
        "usual|[0-9]{4}-[0-9]{2}-[0-9]{2}",
        1,
        "Azure as it was then: what one api-version is answered has changed (recorded: `localcloud/arm/days.py`); "
        "usual is when most was recorded with it for versions up to 2024-03-01, and today for later ones",
    )
    names: str = _knob(
        "dated",
        "dated|counted|random",
        21,
        "all random until April 2025, the first random and others counted since November 2025 (recorded)",
    )
    sum_code: str = _knob(
        "ContainerAppInvalidTrafficWeight", "[A-Za-z]+", 25, "400 is known; the code of the error is in no recording"
    )
    dead_weight: str = _knob(
        "accepted", "accepted|refused", 27, "accepted, and answered with errors: azure-container-apps#1345, #410"
    )
    late_pull: str = _knob(
        "off",
        "off|on",
        35,
        "documented: no revision is made; seen in 2026: one with Pending:ImagePullBackOff on legion",
    )
    page: str = _knob("0", "[0-9]+", 39, "revisions on a page of the list, 0 for all: nextLink is in the published API")
    filter: str = _knob(
        "judged",
        "judged|ignored|refused",
        39,
        "`$filter` is published as OData on a revision's members; what Azure makes of it is in no recording",
    )
    overlap: str = _knob(
        "operation", "operation|lock", 41, "most reports have ContainerAppOperationInProgress, #175 has …LockConflict"
    )
    writes: str = _knob(
        "unlimited",
        "unlimited|limited",
        44,
        "800 writes at once (recorded) and 10 a second (documented), then 429 with Retry-After",
    )
    reads: str = _knob(
        "unlimited",
        "unlimited|limited",
        44,
        "1100 reads at once (recorded: 15 times that of all) and 25 a second (documented), then 429 likewise",
    )
    prune: str = _knob(
        "1200", "[0-9]+|never", 48, "seconds that inactive revisions over the limit stay; more than 15 minutes (seen)"
    )
    label_serves: str = _knob(
        "ready",
        "ready|at_once",
        49,
        "a new revision has the target label at once (recorded); whether requests wait until it is ready is not known",
    )
    lost_target: str = _knob(
        "refused",
        "refused|failed",
        50,
        "a route to what is not there: 400, or accepted and Failed with provisioningErrors (both are published)",
    )
    sticky: str = _knob(
        "kept", "kept|refused", 59, "documented for Single mode alone; what Multiple does with it is in no recording"
    )


def read(given: Iterable[str]) -> Knobs:
    """`name=value` each; raises `KnobError`."""
    known = {one.name: one for one in fields(Knobs)}
    knobs = Knobs()
    for text in given:
        name, _, value = text.partition("=")
        if name not in known:
            raise KnobError(f"--knob: expected one of {', '.join(known)}, found {name!r}")
        takes = known[name].metadata["takes"]
        if re.fullmatch(takes, value, re.ASCII) is None:
            raise KnobError(f"--knob {name}: expected {takes}, found {value!r}")
        knobs = replace(knobs, **{name: value})
    return knobs
