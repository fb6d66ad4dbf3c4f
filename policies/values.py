"""The grammars of the columns that hold one word, one name, one time or one address."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from policies.cells import nearest
from policies.durations import read_duration, suggest_duration
from policies.errors import CellError, Problem, quoted
from policies.model import NAME, AppRef
from rollouts.model import Mode

E = TypeVar("E", bound=StrEnum)

# Azure's naming rules: a group, and a container app (2 to 32 characters, aca-platform limits).
_GROUP = r"[\w().{}-]{0,89}[\w(){}-]"
_APP = r"[a-z{][a-z0-9{}-]{0,60}[a-z0-9}]"
_SHORT = re.compile(rf"{_GROUP}/{_APP}", re.ASCII)
_RESOURCE_ID = re.compile(
    rf"/subscriptions/[0-9a-f-]{{36}}/resourceGroups/{_GROUP}/providers/Microsoft\.App/containerApps/{_APP}",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_APP = 32
_CONTAINER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_CHANNEL = re.compile(r"([a-z0-9][a-z0-9_-]{0,62})( all)?", re.ASCII | re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[\x21-\x7e]{1,2040}", re.ASCII)
_MOST_CHANNELS = 5


def _fail(column: str, expected: str, text: str, hint: str = "") -> CellError:
    return CellError(Problem(column=column, expected=expected, found=quoted(text), hint=hint))


def app(text: str, column: str) -> AppRef:
    """`<group>/<app>`, or the resource id of a container app."""
    good = _app_fits(text)
    if not good:
        hint = text.lower() if _app_fits(text.lower()) and not text.startswith("/") else ""
        raise _fail(column, '"<group>/<app>" or the resource id of a container app', text, hint)
    return AppRef(text=text)


def _app_fits(text: str) -> bool:
    if not (_SHORT.fullmatch(text) or _RESOURCE_ID.fullmatch(text)):
        return False
    # `{name}` is the only thing braces may say; it counts nothing here, the repository's name is not known yet.
    plain = text.replace(NAME, "")
    return "{" not in plain and "}" not in plain and len(plain.rpartition("/")[2]) <= _LONGEST_APP


def container(text: str, column: str) -> str:
    """A container's name."""
    if _CONTAINER.fullmatch(text) is None:
        hint = text.lower() if _CONTAINER.fullmatch(text.lower()) else ""
        raise _fail(column, 'the name of a container as in "web"', text, hint)
    return text


def duration(text: str, column: str) -> timedelta:
    """A time that cannot be switched off."""
    read = read_duration(text)
    if read is None:
        raise _fail(column, 'a time as in "1h30m", at most a year', text, suggest_duration(text))
    return read


def duration_or_none(text: str, column: str) -> timedelta:
    """A time; `none` is none at all."""
    return timedelta() if text.lower() == "none" else duration(text, column)


def word(kind: type[E]) -> Callable[[str, str], E]:
    """A reader of one of the kind's words."""

    def read(text: str, column: str) -> E:
        try:
            return kind(text.lower())
        except ValueError:
            words = [str(member.value) for member in kind]
            expected = " or ".join(f'"{name}"' for name in words)
            raise _fail(column, expected, text, nearest(text, words)) from None

    return read


def mode(text: str, column: str) -> Mode:
    """A mode; `true` and `false` mean on and off, as portals write a switch."""
    return word(Mode)({"true": "on", "false": "off"}.get(text.lower(), text), column)


def channels(text: str, column: str) -> tuple[str, ...]:
    """Channel names, each perhaps with ` all` behind it; `none` is silence."""
    if text.lower() == "none":
        return ()
    read = [_CHANNEL.fullmatch(part.strip()) for part in text.split(",")]
    named = [match for match in read if match is not None]
    if len(named) < len(read) or len(read) > _MOST_CHANNELS:
        expected = f'up to {_MOST_CHANNELS} channels as in "team-shop, audit all"'
        raise _fail(column, expected, text)
    return tuple(dict.fromkeys(match[1] + (match[2] or "").lower() for match in named))


def address(text: str, column: str) -> str:
    """A web address; `none` is none."""
    if text.lower() == "none":
        return ""
    if _ADDRESS.fullmatch(text) is None:
        meant = f"https://{text}"
        named = re.match(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+/", text)
        hint = meant if named and _ADDRESS.fullmatch(meant) else ""
        raise _fail(column, 'an address as in "https://wiki.contoso.com/shop"', text, hint)
    return text
