"""The app's row as columns and back: one JSON column for the state, one for the answers of its open writes.

`state` is bounded by construction (DESIGN 4.12): texts and finding trees are cut, with a mark, before they are saved.
`answers` holds what came back for each open write. It is merged by the tick that sent the write (step 6), so that
recording an answer never rewrites the state, and it is where long operation addresses are kept.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import datetime  # noqa: TC003 - msgspec reads it from Answered at run time
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from delivery.errors import Malformed
from rollouts.findings import Finding
from rollouts.model import App, Rollout, Write, WriteAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Row

T = TypeVar("T")
SCHEMA = 1
MOST_BYTES = 16 * 1024
LONGEST_TEXT = 300
MOST_CHILDREN = 12
CUT = "…"


class Answered(msgspec.Struct, frozen=True):
    """What came back from one send. at: when. location: of its operation, opaque and up to 5 kB long."""

    answer: WriteAnswer
    at: datetime
    location: str = ""
    error: str = ""


def encode(app: App, tick: str) -> dict[str, object]:
    """The columns of the app's row; `tick` is the id by which a save recognises itself."""
    answers = {write.id: answered for write in app.writes if (answered := answer_of(write))}
    app = replace(app, writes=tuple(_unanswered(write) for write in app.writes))
    state = msgspec.json.encode(bounded(app))
    if len(state) > MOST_BYTES:
        state = msgspec.json.encode(_bare(app))
    live = app.live
    return {
        "schema": SCHEMA,
        "tick": tick,
        "seq": app.seq,
        "state": state.decode(),
        "answers": encode_answers(answers),
        "phase": live.phase.value if live else "",
        "image": live.image.short if live else "",
        "because": live.because[:LONGEST_TEXT] if live else "",
    }


def decode(row: Row) -> App:
    """The app, with recorded answers put on its open writes. Raises `Malformed`, and loses nothing."""
    source = f"rollouts/{row.partition}/{row.key}"
    schema = row.columns.get("schema")
    if schema != SCHEMA:
        raise Malformed(f"{source}: schema: expected {SCHEMA}, found {schema!r}; it was written by another version")
    try:
        app = msgspec.json.decode(str(row.columns.get("state")), type=App)
    except msgspec.MsgspecError as error:
        raise Malformed(f"{source}: state: expected an app's state, found something else ({error})") from error
    answers = decode_answers(row)
    return replace(app, writes=tuple(_answered(write, answers.get(write.id)) for write in app.writes))


def encode_answers(answers: Mapping[int, Answered]) -> str:
    """The `answers` column."""
    return msgspec.json.encode(answers).decode()


def decode_answers(row: Row) -> dict[int, Answered]:
    """What is recorded of the row's open writes, by write id. Raises `Malformed`."""
    try:
        return msgspec.json.decode(str(row.columns.get("answers") or "{}"), type=dict[int, Answered])
    except msgspec.MsgspecError as error:
        source = f"rollouts/{row.partition}/{row.key}"
        raise Malformed(f"{source}: answers: expected answers by write, found something else ({error})") from error


def answer_of(write: Write) -> Answered | None:
    """The recorded answer of a write, if it has one."""
    if write.answer is None:
        return None
    at = write.answered_at or write.give_up_at
    return Answered(answer=write.answer, at=at, location=write.location, error=write.error[:LONGEST_TEXT])


def _answered(write: Write, found: Answered | None) -> Write:
    if found is None:
        return write
    return replace(write, answer=found.answer, answered_at=found.at, location=found.location, error=found.error)


def _unanswered(write: Write) -> Write:
    return replace(write, answer=None, answered_at=None, location="", error="")


def rollout_columns(rollout: Rollout) -> dict[str, object]:
    """The history row of one rollout."""
    return {
        "schema": SCHEMA,
        "state": msgspec.json.encode(bounded(rollout)).decode(),
        "phase": rollout.phase.value,
        "image": rollout.image.short,
        "digest": rollout.image.digest,
        "because": rollout.because[:LONGEST_TEXT],
        "offered": rollout.offered_at,
    }


def decode_rollout(row: Row) -> Rollout:
    """A rollout of the history. Raises `Malformed`."""
    source = f"rollouts/{row.partition}/{row.key}"
    if row.columns.get("schema") != SCHEMA:
        raise Malformed(f"{source}: schema: expected {SCHEMA}, found {row.columns.get('schema')!r}")
    try:
        return msgspec.json.decode(str(row.columns.get("state")), type=Rollout)
    except msgspec.MsgspecError as error:
        raise Malformed(f"{source}: state: expected a rollout, found something else ({error})") from error


def bounded(value: T) -> T:
    """The same value with every text and finding tree cut to what a row may carry."""
    return _cut(value)  # type: ignore[no-any-return]  # same shape in and out


def _cut(value: Any) -> Any:  # noqa: ANN401 - walks values of every type
    if isinstance(value, Finding):
        return _cut_finding(value, depth=2)
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + CUT
    if isinstance(value, tuple):
        items = tuple(_cut(item) for item in value)
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if is_dataclass(value) and not isinstance(value, type):
        # Most values are short enough, and a tick walks a thousand of them: only what was cut is made anew.
        cut = {f.name: new for f in fields(value) if (new := _cut(old := getattr(value, f.name))) is not old}
        return replace(value, **cut) if cut else value
    return value


def _cut_finding(finding: Finding, depth: int) -> Finding:
    kept = finding.children[:MOST_CHILDREN] if depth else ()
    children = tuple(_cut_finding(child, depth - 1) for child in kept)
    missing = len(finding.children) - len(kept)
    because = finding.because[:LONGEST_TEXT] + (CUT if len(finding.because) > LONGEST_TEXT else "")
    if missing:
        because = f"{because} ({CUT} {missing} more)"
    return replace(finding, because=because, children=children, gate=finding.gate[:LONGEST_TEXT])


def _bare(app: App) -> App:
    """What cannot be done without: findings lose their children and what can be measured again is dropped."""

    def bare(rollout: Rollout) -> Rollout:
        finding = replace(rollout.finding, children=()) if rollout.finding else None
        return bounded(replace(rollout, finding=finding, measurements=(), announced=rollout.announced[-20:]))

    live = bare(app.live) if app.live else None
    return replace(bounded(app), live=live, waiting=tuple(bare(r) for r in app.waiting), known=app.known[-10:])


def builtins(value: object) -> object:
    """A value of ours as JSON types, for a message or an audit row."""
    return msgspec.to_builtins(bounded(value))


def tagged(value: object) -> object:
    """The same, with its type's name: effects are told apart by it."""
    return {"type": type(value).__name__, **msgspec.to_builtins(bounded(value))}


def text(value: object) -> str:
    """JSON for a column."""
    return msgspec.json.encode(value).decode()


def convert(value: object, kind: type[T], source: str) -> T:
    """A value of ours from JSON types. Raises `Malformed` with the path that is wrong."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Malformed(f"{source}: {error}") from error


def cells(value: str) -> dict[str, str]:
    """A JSON column of texts by name; an unreadable one is empty."""
    try:
        return msgspec.json.decode(value, type=dict[str, str])
    except msgspec.MsgspecError:
        return {}


def untext(value: str) -> object:
    """What `text` wrote; None for what cannot be read."""
    try:
        return msgspec.json.decode(value)
    except msgspec.MsgspecError:
        return None
