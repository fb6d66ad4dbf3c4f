"""The text of the service-owned Status cell."""

from __future__ import annotations

from policies.durations import say_duration
from policies.errors import PolicyError
from policies.model import Policy
from rollouts.model import Mode

LONGEST_STATUS = 1000


def status_line(policy: Policy) -> str:
    """What a good row does: `ok: takes 40 m`."""
    asked = [f"{step.weight} %" for step in policy.plan.steps if step.until_approved]
    waits = f" and waits for a person at {', '.join(asked)}" if asked else ""
    takes = f"takes {say_duration(policy.takes)}{waits}"
    match policy.mode:
        case Mode.ON:
            return f"ok: {takes}"
        case Mode.OBSERVE:
            return f"ok: only observes; a rollout {takes}"
        case Mode.OFF:
            return "ok: off, nothing ships from this row"


def broken_line(error: PolicyError) -> str:
    """All problems of a row on one line, cut with a mark when they are many."""
    whole = "broken: " + " · ".join(str(problem) for problem in error.problems)
    if len(whole) <= LONGEST_STATUS:
        return whole
    mark = f"… ({len(error.problems)} problems)"
    return whole[: LONGEST_STATUS - len(mark)] + mark
