"""The app's row as columns and back: JSON columns for the state, for its lists, and for the answers of its open writes.

`state`, `lists` and `waiting` are bounded (DESIGN 4.12): explanations are cut, with a mark, before they are saved, for
a save that is refused for its size would stop a rollback. `waiting` is who waits, `lists` what is remembered, apart
from the state so that none nears the 32 Ki characters a column may hold. `answers` holds what came back for each open
write. It is merged by the tick that sent the write (step 6), so that recording an answer never rewrites the state, and
it is where long operation addresses are kept.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime  # noqa: TC003 - msgspec reads it from Answered at run time
from typing import TYPE_CHECKING, TypeVar

import msgspec

from delivery.bounds import ROOMS, bounded, cut, fitted
from delivery.errors import Malformed, Retry
from delivery.versions import SCHEMA, newer
from rollouts.model import App, Done, Lane, Rollout, Write, WriteAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Row

T = TypeVar("T")
MOST_BYTES = 16 * 1024
LISTS_BYTES = 28 * 1024
LONGEST_TEXT = ROOMS[0].text


class Answered(msgspec.Struct, frozen=True):
    """What came back from one send. at: when. location: of its operation, opaque and up to 5 kB long."""

    answer: WriteAnswer
    at: datetime
    location: str = ""
    error: str = ""


class Waiting(msgspec.Struct, frozen=True):
    """Who waits: a column of its own. `lists` held them too until they were given approvals."""

    waiting: tuple[Rollout, ...] = ()


class Lists(msgspec.Struct, frozen=True):
    """The other lists of an app, which have a column of their own."""

    done: tuple[Done, ...] = ()
    known: tuple[str, ...] = ()
    lanes: tuple[Lane, ...] = ()


def encode(app: App, tick: str) -> dict[str, object]:
    """The columns of the app's row; `tick` is the id by which a save recognises itself."""
    answers = {write.id: answered for write in app.writes if (answered := answer_of(write))}
    writes = tuple(_unanswered(write) for write in app.writes)
    lists = {name: getattr(app, name) for name in Lists.__struct_fields__}
    waiting = {"waiting": app.waiting}
    state = replace(app, writes=writes, waiting=(), done=(), known=(), lanes=())
    live = app.live
    return {
        "schema": SCHEMA,
        "tick": tick,
        "seq": app.seq,
        "state": fitted(state, MOST_BYTES),
        "lists": fitted(lists, LISTS_BYTES),
        "waiting": fitted(waiting, LISTS_BYTES),
        "answers": encode_answers(answers),
        "phase": live.phase.value if live else "",
        "image": live.image.short if live else "",
        "because": live.because[:LONGEST_TEXT] if live else "",
    }


def decode(row: Row) -> App:
    """The app, with recorded answers put on its open writes. Raises `Malformed`, and loses nothing."""
    source = _ours(row)
    try:
        app = msgspec.json.decode(str(row.columns.get("state")), type=App)
    except msgspec.MsgspecError as error:
        raise Malformed(f"{source}: state: expected an app's state, found something else ({error})") from error
    lists, answers = _decode_lists(row, "lists", Lists), decode_answers(row)
    waiting = _decode_lists(row, "waiting" if "waiting" in row.columns else "lists", Waiting).waiting
    return replace(
        app,
        writes=tuple(_answered(write, answers.get(write.id)) for write in app.writes),
        waiting=waiting,
        **{name: getattr(lists, name) for name in Lists.__struct_fields__},
    )


def _ours(row: Row) -> str:
    """Where the row stands, for an error. Raises `Malformed` for one of another version."""
    source = f"rollouts/{row.partition}/{row.key}"
    schema = row.columns.get("schema")
    if schema != SCHEMA:
        raise Malformed(newer(source, row.columns) or f"{source}: schema: expected {SCHEMA}, found {schema!r}")
    return source


def _decode_lists(row: Row, column: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(str(row.columns.get(column) or "{}"), type=kind)
    except msgspec.MsgspecError as error:
        source = f"rollouts/{row.partition}/{row.key}"
        raise Malformed(f"{source}: {column}: expected an app's lists, found something else ({error})") from error


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
    return Answered(answer=write.answer, at=at, location=write.location, error=cut(write.error, LONGEST_TEXT))


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
        "state": fitted(rollout, MOST_BYTES),
        "phase": rollout.phase.value,
        "image": rollout.image.short,
        "digest": rollout.image.digest,
        "because": rollout.because[:LONGEST_TEXT],
        "offered": rollout.offered_at,
    }


def decode_rollout(row: Row) -> Rollout:
    """A rollout of the history. Raises `Malformed`."""
    source = _ours(row)
    try:
        return msgspec.json.decode(str(row.columns.get("state")), type=Rollout)
    except msgspec.MsgspecError as error:
        raise Malformed(f"{source}: state: expected a rollout, found something else ({error})") from error


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


def of_this_version(source: str, message: Mapping[str, object]) -> None:
    """Raises `Retry` for a message of a newer version: it waits until that version runs again."""
    if why := newer(source, message):
        raise Retry(why)


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
