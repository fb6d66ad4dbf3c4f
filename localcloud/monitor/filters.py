"""The `$filter` of a metrics query: `revisionName eq 'a' or revisionName eq 'b' and statusCodeCategory eq '*'`.

The grammar is the one the REST reference explains (learn.microsoft.com/rest/api/monitor/metrics/list): `eq` alone,
`'*'` for every value, `and` between dimensions, `or` only between values of one dimension. Names count without case.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localcloud.monitor.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.monitor.catalogue import Metric

Chosen = dict[str, frozenset[str]]
"""Dimension in its own spelling -> values in lower case; an empty set is every value ('*')."""

_TOKEN = re.compile(
    r"\s*(?:(?P<bracket>[()])|(?P<joint>and|or)\b|(?P<name>[\w/.-]+)\s+(?P<op>\w+)\s+'(?P<value>(?:[^']|'')*)')\s*",
    re.ASCII | re.IGNORECASE,
)
_EVERY = "*"


def clauses(text: str) -> list[tuple[str, str]]:
    """(dimension in lower case, value) of each condition. Raises ArmError 400."""
    found: list[tuple[str, str]] = []
    joint, place = "and", 0
    while place < len(text.rstrip()):
        token = _TOKEN.match(text, place)
        if token is None or (token["op"] or "eq").lower() != "eq" or (token["name"] and not joint):
            raise refused(f"only conditions of the form '<name> eq <value>' are allowed: {text}")
        place = token.end()
        if token["joint"]:
            joint = token["joint"].lower()
        elif token["name"]:
            name = token["name"].lower()
            if joint == "or" and found and found[-1][0] != name:
                raise refused(f"the logical or operator cannot separate two different metadata names: {text}")
            found.append((name, token["value"].replace("''", "'")))
            joint = ""
    if text.strip() and (joint or not found):
        raise refused(f"only conditions of the form '<name> eq <value>' are allowed: {text}")
    return found


def chosen(metric: Metric, text: str, *, validate: bool = True) -> Chosen:
    """What is asked of this metric. validate False: conditions on other dimensions are left out, not refused.

    Raises:
        ArmError: 400 for what Azure refuses.
    """
    asked: dict[str, set[str]] = {}
    every: set[str] = set()
    known = {dimension.lower(): dimension for dimension in metric.dimensions}
    conditions = clauses(text)
    unknown = [name for name, _ in conditions if name not in known]
    if unknown and validate:
        raise refused(
            f"Metric: {metric.name} does not support requested dimension combination: "
            f"{','.join(dict.fromkeys(name for name, _ in conditions))}, "
            f"supported ones are: {','.join(metric.dimensions)}"
        )
    for name, value in conditions:
        if name in known:
            values = asked.setdefault(known[name], set())
            values.add(value.lower())
            if value == _EVERY:
                every.add(known[name])
    return {name: frozenset() if name in every else frozenset(values) for name, values in asked.items()}


def fits(choice: Chosen, key: Mapping[str, str]) -> bool:
    """Whether a series with these dimensions was asked for."""
    return all(not values or key.get(name, "").lower() in values for name, values in choice.items())
