"""The keys of a policy row: which registry and repositories it is about, and its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.errors import Problem, quoted

DEFAULTS = "defaults"
_ANY = "*"
_SERVER = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[0-9]{1,5})?", re.ASCII)
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_PATTERN = re.compile(r"[a-z0-9._/*?-]{1,255}", re.ASCII)
_LONGEST = 512
_EXPECTED = '"<login server>|<repository>" as in "contoso.azurecr.io|shop|web"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a row stands. repository: None for a pattern row."""

    registry: str
    repository: str | None
    name: str


def read_place(partition: str, key: str, problems: list[Problem]) -> Place:
    """The keys, taken apart; what is wrong with them is added to the problems."""
    server, _, rest = partition.partition("|")
    problem = _partition_problem(partition, server, rest)
    if problem:
        problems.append(problem)
    if key == DEFAULTS:
        expected = "a policy's name: this row holds what the registry's other rows share, and ships nothing itself"
        problems.append(Problem(column="RowKey", expected=expected, found=quoted(key)))
    elif _NAME.fullmatch(key) is None:
        hint = re.sub(r"[^a-z0-9._-]+", "-", key.lower()[:_LONGEST]).strip("-._")
        expected = 'a name of lower-case letters, digits, ".", "_" and "-", as in "production"'
        offer = hint if hint != DEFAULTS and _NAME.fullmatch(hint) else ""
        problems.append(Problem(column="RowKey", expected=expected, found=quoted(key), hint=offer))
    return Place(registry=server, repository=None if rest == _ANY else rest.replace("|", "/"), name=key)


def _good(partition: str) -> bool:
    server, bar, rest = partition.partition("|")
    if not bar or len(partition) > _LONGEST or _SERVER.fullmatch(server) is None or not re.search(r"[.:]", server):
        return False
    return rest == _ANY or all(_PART.fullmatch(part) for part in rest.split("|"))


def _partition_problem(partition: str, server: str, rest: str) -> Problem | None:
    if _good(partition):
        return None
    found = quoted(partition)
    upper = next((char for char in partition if char.isupper()), "")
    mended = re.sub(r"^[a-z]+:[|/]+", "", partition.lower()[:_LONGEST]).replace("/", "|").strip("|")
    hint = mended if _good(mended) else ""
    if re.match(r"[a-zA-Z]+:[|/]", partition):
        expected = "a login server without a scheme, then the repository"
    elif "/" in partition:
        expected = '"|" wherever a repository has "/", for a key may not hold one'
    elif upper:
        expected, found = "lower case, as the registry names itself", f"{quoted(upper)} in {found}"
    elif rest and _SERVER.fullmatch(server) and "." not in server:
        expected, hint = 'a whole login server as in "contoso.azurecr.io"', ""
    else:
        expected = _EXPECTED
    return Problem(column="PartitionKey", expected=expected, found=found, hint=hint)


def read_pattern(text: str, column: str) -> Problem | None:
    """What is wrong with the Repository cell of a pattern row."""
    if _PATTERN.fullmatch(text):
        return None
    hint = text.lower().strip("/")
    offer = hint if _PATTERN.fullmatch(hint) else ""
    return Problem(column=column, expected='a pattern as in "shop/*"', found=quoted(text), hint=offer)
