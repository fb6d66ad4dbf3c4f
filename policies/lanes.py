"""Lanes: rows of one repository that name one container of an app must put its tags in the same order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from policies.errors import Problem
from policies.model import Policy
from rollouts.model import Mode


def apart(policies: Iterable[Policy]) -> Mapping[str, list[Problem]]:
    """By the key of each row, what is wrong with its order beside its rivals'.

    The service closes the row that came later, and only that; which one it is, is not written in the rows.
    """
    lanes: dict[tuple[str, str, str, Mode], list[Policy]] = defaultdict(list)
    for policy in policies:
        if policy.mode is not Mode.OFF:
            # Where a short App is looked up the installation alone knows; short ones are alike everywhere.
            app = policy.app.app_key("", policy.repository)
            lanes[f"{policy.registry}/{policy.repository}", app, policy.container, policy.mode].append(policy)
    return {policy.key: [problem] for rivals in lanes.values() for policy, problem in _told(rivals)}


def _told(rivals: list[Policy]) -> list[tuple[Policy, Problem]]:
    """Each of the rivals, when they do not all order alike, with the first that orders otherwise."""
    first: dict[str, Policy] = {}
    for policy in sorted(rivals, key=lambda policy: policy.key):
        first.setdefault(policy.tags.order, policy)
    return [
        (policy, _problem(policy, next(other for order, other in first.items() if order != policy.tags.order)))
        for policy in rivals
        if len(first) > 1
    ]


def _problem(policy: Policy, other: Policy) -> Problem:
    expected = f"the order of {other.name} ({other.tags.order}), which names the same container of the app"
    return Problem(column="Tags", expected=expected, found=str(policy.tags.order))
