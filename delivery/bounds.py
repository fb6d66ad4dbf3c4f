"""How much text a row may carry: explanations are cut, with a mark, until the row fits; nothing else ever is.

A cut identifier names nothing, so only fields that explain are cut. What remains is bounded where it comes from:
the policy row's cells, ARM's names, and the lengths of the app's lists.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import msgspec

from rollouts.findings import Finding
from rollouts.model import Rollout

T = TypeVar("T")
CUT = "…"
EXPLAINS = frozenset({"because", "error", "comment", "name", "shut"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left of explanations. text: characters of one. children, depth: of a finding tree.

    measured: whether measurements stay; they are measured again in the next tick.
    """

    text: int
    children: int
    depth: int
    measured: bool = True


ROOMS = (
    Room(text=300, children=12, depth=2),
    Room(text=100, children=3, depth=1),
    Room(text=40, children=0, depth=0, measured=False),
)


def fitted(value: object, most: int) -> str:
    """JSON of a value with as much explanation as fits into `most` bytes; at last with as good as none."""
    told = b""
    for room in ROOMS:
        told = msgspec.json.encode(_cut(value, room))
        if len(told) <= most:
            break
    return told.decode()


def bounded(value: T) -> T:
    """The same value with every explanation cut to what a message or an audit row may carry."""
    return _cut(value, ROOMS[0])  # type: ignore[no-any-return]  # same shape in and out


def cut(text: str, most: int) -> str:
    """The text in at most `most` characters and a mark; what cannot be printed would cost six bytes each."""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text[: most + 1])
    return text if len(text) <= most else text[:most] + CUT


def _cut(value: Any, room: Room) -> Any:  # noqa: ANN401 - walks values of every type
    if isinstance(value, tuple):
        items = tuple(_cut(item, room) for item in value)
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if isinstance(value, dict):
        return {key: _cut(item, room) for key, item in value.items()}
    if isinstance(value, Finding):
        return _cut_finding(value, room, room.depth)
    if isinstance(value, Rollout) and not room.measured:
        value = replace(value, measurements=())
    # Most values are short enough, and a tick walks a hundred of them: only what was cut is made anew.
    changed: dict[str, Any] = {}
    for name, explains in _members(value.__class__):
        old = getattr(value, name)
        if explains and isinstance(old, str):
            new: Any = cut(old, room.text)
        elif _holds(old.__class__):
            new = _cut(old, room)
        else:
            continue
        if new is not old:
            changed[name] = new
    return replace(value, **changed) if changed else value


@functools.cache
def _members(kind: type) -> tuple[tuple[str, bool], ...]:
    """A dataclass's fields, each with whether it explains; none of any other type."""
    return tuple((field.name, field.name in EXPLAINS) for field in fields(kind)) if is_dataclass(kind) else ()


@functools.cache
def _holds(kind: type) -> bool:
    """Whether values of this type have others in them that may be cut."""
    return is_dataclass(kind) or issubclass(kind, (tuple, dict))


def _cut_finding(finding: Finding, room: Room, depth: int) -> Finding:
    kept = finding.children[: room.children] if depth else ()
    children = tuple(_cut_finding(child, room, depth - 1) for child in kept)
    missing = len(finding.children) - len(kept)
    because = cut(finding.because, room.text)
    if missing:
        because = f"{because} ({CUT} {missing} more)"
    same = because is finding.because and all(new is old for new, old in zip(children, finding.children, strict=False))
    return finding if same and not missing else replace(finding, because=because, children=children)
