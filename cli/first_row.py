"""The first policy row of an app, as far as what runs there tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.containers import split_reference
from policies.versions import read_version

Json = Mapping[str, Any]
_NUMBERED = re.compile(r"(.*?[-_.])[0-9a-f]*[0-9][0-9a-f]*", re.ASCII)
_MOVING = frozenset({"latest", "stable", "main", "master", "dev", "staging", "production", "prod", "edge", "nightly"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRow:
    """The row, and why its cells are what they are."""

    partition: str
    columns: Mapping[str, str]
    because: tuple[str, ...]


def first_row(
    group: str, name: str, containers: Sequence[Json], *, ingress: bool, tcp: bool, observe: bool
) -> FirstRow | str:
    """The row of the app's first container with an image of a registry; a text: why there can be none."""
    images = [(str(one.get("name")), str(one.get("image") or "")) for one in containers]
    ours = [(container, image) for container, image in images if "." in image.partition("/")[0] and "/" in image]
    if not ours:
        there = ", ".join(image for _, image in images) or "none"
        return f"no container runs an image of a registry; found {there}"
    container, image = ours[0]
    where, tag, _ = split_reference(image)
    server, _, repository = where.partition("/")
    tags, why = guess(tag)
    columns = {"App": f"{group}/{name}", "Tags": tags}
    because = [f"Tags: {why}"]
    same = [one for one, other in images if split_reference(other)[0] == where]
    if len(same) > 1:
        columns["Container"] = container
        because.append(f"Container: {' and '.join(same)} run this repository")
    if not ingress:
        columns["Steps"] = "replace"
        because.append("Steps: the app has no ingress")
    elif tcp:
        columns["Checks"] = "restarts == 0"
        because.append("Checks: TCP has no requests to count")
    if observe:
        columns["Mode"] = "observe"
        because.append("Mode: it only says what it would have done, until the cell says on")
    partition = f"{server.lower()}|{repository.replace('/', '|')}"
    return FirstRow(partition=partition, columns=columns, because=tuple(because))


def guess(tag: str) -> tuple[str, str]:
    """A Tags cell that takes images like this one, and why it."""
    if not tag:
        return "semver", "the app names its image by digest alone, so this is a guess"
    version = read_version(tag)
    if version is not None and version.pre:
        return "semver: >=0.0.0-0", f"{tag} is a pre-release, so the range names one"
    if version is not None:
        return "semver", f"{tag} is a version"
    if tag.isdecimal():
        return "number", f"{tag} is a number"
    if tag.lower() in _MOVING:
        return f"exact: {tag}", f"{tag} is a name that moves"
    numbered = _NUMBERED.fullmatch(tag)
    if numbered and numbered[1]:
        return f"newest from {numbered[1]}*", f"{tag} looks like one of many that begin so"
    return f"exact: {tag}", f"{tag} is like nothing known"
