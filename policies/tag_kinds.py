"""What a Tags rule may go by: one class a kind, each saying which tags it takes and how it puts them in order."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

from policies.calver import Format
from policies.natural import natural_key
from policies.patterns import anchors_itself, regex_parts
from policies.versions import Range, read_version

Key = tuple[object, ...]

_WHOLE_NUMBER = re.compile(r"[0-9]+", re.ASCII)
_SHOWN = 60  # characters of an expression that a lane repeats; an app's row keeps ten lanes


class Order(StrEnum):
    """The kinds."""

    SEMVER = "semver"
    CALVER = "calver"
    NUMBER = "number"
    NEWEST = "newest"
    EXACT = "exact"
    REGEX = "regex"


class Kind(Protocol):
    """One kind with its argument. part: the tag, or what stands in the hole of its `from`; at most 128 characters.

    by_tag: the part says by itself which of two images is the newer; for the other kinds only the push time does.
    """

    order: ClassVar[Order]
    by_tag: ClassVar[bool]

    @property
    def lane(self) -> str:
        """The same for rules whose images can be put in one order, and for no others."""
        ...

    def refuses(self, part: str) -> str:
        """Why a tag with this part is not taken, "" when it is."""
        ...

    def key(self, part: str) -> Key | None:
        """What is compared, also of a part that is not taken; None when there is nothing to compare. Never empty."""
        ...

    def __str__(self) -> str:
        """The rule without its clauses in one spelling; it reads as the same rule."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Semver:
    """`semver[: RANGE]`: whole versions; `1.4` and `v1` are no versions but names that move from one to the next."""

    range: Range
    order: ClassVar[Order] = Order.SEMVER
    by_tag: ClassVar[bool] = True
    lane: ClassVar[str] = "semver"

    def refuses(self, part: str) -> str:
        """See `Kind`."""
        version = read_version(part)
        return f"{part} is not a version such as 1.4.2" if version is None else self.range.refuses(version)

    def key(self, part: str) -> Key | None:
        """See `Kind`."""
        version = read_version(part)
        return version.key if version else None

    def __str__(self) -> str:
        return "semver" if str(self.range) == "*" else f"semver: {self.range}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calver:
    """`calver: FORMAT`: dates, and numbers counted within them."""

    format: Format
    order: ClassVar[Order] = Order.CALVER
    by_tag: ClassVar[bool] = True

    @property
    def lane(self) -> str:
        """Formats that compare the same things in the same order order alike, however they write them."""
        return f"calver ({', '.join(self.format.fields)})"

    def refuses(self, part: str) -> str:
        """See `Kind`."""
        return self.format.refuses(part)

    def key(self, part: str) -> Key | None:
        """See `Kind`."""
        return self.format.key(part)

    def __str__(self) -> str:
        return f"calver: {self.format.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """`number`: digits and nothing else, compared as an integer of any size; zeros in front count for nothing.

    No sign, no point and no `v`: 1.10 is less than 1.9 as a number and more as a version, so whoever means a version
    must say so, and a letter in front is for `from v{}`.
    """

    order: ClassVar[Order] = Order.NUMBER
    by_tag: ClassVar[bool] = True
    lane: ClassVar[str] = "number"

    def refuses(self, part: str) -> str:
        """See `Kind`."""
        return "" if _WHOLE_NUMBER.fullmatch(part) else f"{part} is not a whole number"

    def key(self, part: str) -> Key | None:
        """See `Kind`."""
        return (int(part),) if _WHOLE_NUMBER.fullmatch(part) else None

    def __str__(self) -> str:
        return "number"


def _unmatched(regex: str) -> str:
    return f"does not match {regex}{'' if anchors_itself(regex) else ' as a whole'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """`newest`, and `regex` without named groups. regex: what must fit, "" for anything."""

    regex: str = ""
    order: ClassVar[Order] = Order.NEWEST
    by_tag: ClassVar[bool] = False
    lane: ClassVar[str] = "newest"

    def refuses(self, part: str) -> str:
        """See `Kind`."""
        fits = not self.regex or regex_parts(self.regex, part) is not None
        return "" if fits else _unmatched(self.regex)

    def key(self, part: str) -> Key | None:  # noqa: ARG002 - see `Kind`
        """See `Kind`."""
        return None

    def __str__(self) -> str:
        return f"regex: {self.regex}" if self.regex else "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """`exact: T[, T]`: tags that move; each digest that one of them comes to name is a candidate."""

    names: tuple[str, ...]
    order: ClassVar[Order] = Order.EXACT
    by_tag: ClassVar[bool] = False
    lane: ClassVar[str] = "exact"

    def refuses(self, part: str) -> str:
        """See `Kind`."""
        return "" if part in self.names else f"not {' or '.join(self.names)}"

    def key(self, part: str) -> Key | None:  # noqa: ARG002 - see `Kind`
        """See `Kind`."""
        return None

    def __str__(self) -> str:
        return f"exact: {', '.join(self.names)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex:
    """`regex: R` with named groups, which sort in the order in which they stand in R.

    Each in natural order, so that numbers are compared as numbers; one that took no part comes before all.
    """

    regex: str
    order: ClassVar[Order] = Order.REGEX
    by_tag: ClassVar[bool] = True

    @property
    def lane(self) -> str:
        """What a group of one expression holds is no measure for another expression's."""
        if len(self.regex) <= _SHOWN:
            return f"regex {self.regex}"
        return f"regex {self.regex[:_SHOWN]}… {hashlib.sha256(self.regex.encode()).hexdigest()[:12]}"

    def refuses(self, part: str) -> str:
        """See `Kind`."""
        return "" if regex_parts(self.regex, part) is not None else _unmatched(self.regex)

    def key(self, part: str) -> Key | None:
        """See `Kind`."""
        parts = regex_parts(self.regex, part)
        if parts is None:
            return None
        return tuple((group is not None, natural_key(group or "")) for group in parts)

    def __str__(self) -> str:
        return f"regex: {self.regex}"
