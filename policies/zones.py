"""Time zones by their IANA names, from the `tzdata` package: the same answer on every machine, whatever its own data.

Only `Area/City` names and `UTC` are taken. `EST`, `BST` or `CET` mean several things to several people, or never change
with the summer, and the sign of `Etc/GMT+1` is the opposite of what it seems.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import tzdata

_LETTERS = re.compile(r"[a-z_/-]{3,64}", re.ASCII)  # what tells an offset, as "UTC+1", is never near a name
# Who writes one of these means that city's clock, or one that has always agreed with it in living memory.
_MEANT = {
    **dict.fromkeys(("gmt", "z", "zulu", "utc+0", "gmt+0", "etc/utc", "etc/gmt"), "UTC"),
    **dict.fromkeys(("bst", "uk", "gb"), "Europe/London"),
    **dict.fromkeys(("cet", "cest", "met"), "Europe/Berlin"),
    **dict.fromkeys(("et", "est", "edt", "est5edt"), "America/New_York"),
    **dict.fromkeys(("pt", "pst", "pdt", "pst8pdt"), "America/Los_Angeles"),
    **dict.fromkeys(("jst", "japan"), "Asia/Tokyo"),
    **dict.fromkeys(("aest", "aedt"), "Australia/Sydney"),
}


def read_zone(text: str) -> ZoneInfo | None:
    """The zone of this name, in any case; None when it is none."""
    name = _names().get(text.lower())
    return _load(name) if name else None


def suggest_zone(text: str) -> str:
    """The name that was probably meant, "" when that is anybody's guess."""
    word = text.lower().replace(" ", "_").replace("\\", "/").strip("/()[]\"'")
    if word in _MEANT:
        return _MEANT[word]
    if word in _names():
        return _names()[word]
    if not _LETTERS.fullmatch(word):
        return ""
    city = word.rpartition("/")[2]
    return _cities().get(city) or _cities().get(_near(city, _cities()), "")


def _near(city: str, known: Iterable[str]) -> str:
    """Nearer than elsewhere: among hundreds of names there is always one that is a little alike."""
    return next(iter(get_close_matches(city[:64], known, n=1, cutoff=0.8)), "")


@cache
def _names() -> dict[str, str]:
    listed = files(tzdata).joinpath("zones").read_text(encoding="ascii").split()
    return {name.lower(): name for name in ("UTC", *listed) if name == "UTC" or ("/" in name and name[:4] != "Etc/")}


@cache
def _cities() -> dict[str, str]:
    """The shortest name of each city: the longer ones are the same zone (`America/Argentina/Buenos_Aires`)."""
    longest_first = sorted(_names().values(), key=len, reverse=True)
    return {name.lower().rpartition("/")[2]: name for name in longest_first}


@cache  # as many entries as there are names
def _load(name: str) -> ZoneInfo:
    with files(tzdata).joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)
