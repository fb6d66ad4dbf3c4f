"""Tags: which of a repository's images a row selects, and which of two is the newer one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from policies.patterns import Pattern, glob_matches, regex_matches
from policies.versions import Range, Version, read_version

# Of the OCI distribution specification: what a tag may be.
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
# What cosign and the referrers fall-back hang on an image: never an image of its own.
_COMPANION = re.compile(r"sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{128})(?:\..+)?", re.ASCII)
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)

OrderKey = tuple[object, ...]


class Order(StrEnum):
    """How the images of a row are put in order. Rows that share a container must share this."""

    SEMVER = "semver"
    NEWEST = "newest"
    EXACT = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """An image as it was pushed. tag "": none is known. pushed_at: the registry's time, None: not known."""

    tag: str
    digest: str
    pushed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whether a tag is selected, and why. version: what a `semver` row compares, None for the others."""

    selected: bool
    because: str
    version: Version | None = None


def _no(because: str) -> Selection:
    return Selection(selected=False, because=because)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRule:
    """The Tags cell. Which fields count follows from `order`; a regex narrows what `newest` takes.

    text: as it was written. source: the `from` pattern, None: the whole tag is compared.
    """

    text: str
    order: Order
    range: Range | None = None
    names: tuple[str, ...] = ()
    regex: str = ""
    source: Pattern | None = None
    excluded: tuple[str, ...] = ()

    def select(self, tag: str) -> Selection:
        """Whether this row takes images of this tag."""
        if not tag:
            return _no("pushed without a tag")
        if TAG.fullmatch(tag) is None:
            return _no("not a tag: more than 128 characters, or one that no tag may hold")
        if _COMPANION.fullmatch(tag):
            return _no("the tag of a signature, attestation or SBOM")
        hidden = next((glob for glob in self.excluded if glob_matches(glob, tag)), None)
        if hidden is not None:
            return _no(f"left out by except {hidden}")
        part = self.source.part(tag) if self.source else tag
        if part is None:
            return _no(f"not from {self.source.text if self.source else ''}")
        return self._take(tag, part)

    def _take(self, tag: str, part: str) -> Selection:
        match self.order:
            case Order.SEMVER:
                return self._by_version(part)
            case Order.EXACT:
                wanted = " or ".join(self.names)
                return Selection(selected=True, because=f"is {tag}") if tag in self.names else _no(f"not {wanted}")
            case Order.NEWEST:
                if self.regex and not regex_matches(self.regex, part):
                    return _no(f"does not match {self.regex} as a whole")
                return Selection(selected=True, because=f"selected by {self.text}")

    def _by_version(self, part: str) -> Selection:
        version = read_version(part)
        if version is None or self.range is None:
            return _no(f"{part} is not a version such as 1.4.2")
        refused = self.range.refuses(version)
        if refused:
            return Selection(selected=False, because=refused, version=version)
        return Selection(selected=True, because=f"{part} is in {self.range.text}", version=version)

    def version_of(self, tag: str) -> Version | None:
        """The version this row would compare, also of a tag that it does not select."""
        part = self.source.part(tag) if self.source else tag
        return read_version(part) if part else None

    def order_key(self, image: Pushed) -> OrderKey:
        """Sorts images of rows with the same `order`; the greatest ships."""
        version = self.version_of(image.tag) if self.order is Order.SEMVER else None
        return version.key if version else (), image.pushed_at or _BEFORE_ALL, image.digest

    def is_upgrade(self, candidate: Pushed, running: Pushed, others: tuple[TagRule, ...] = ()) -> bool:
        """Whether the candidate may replace what runs: never when it is known to be the older one.

        others: the rules of other rows of the same container, one of which may have put `running` there.
        What cannot be compared is an upgrade: no record, no claim.
        """
        if self.order is Order.SEMVER:
            mine = self.version_of(candidate.tag)
            theirs = next(filter(None, (rule.version_of(running.tag) for rule in (self, *others))), None)
            if mine is None or theirs is None:
                return True
            if mine.key != theirs.key:
                return mine.key > theirs.key
        if self.order is Order.EXACT and candidate.tag == running.tag:
            return True  # what the tag names now decides, and evaluate asks for that
        if candidate.pushed_at is None or running.pushed_at is None:
            return True
        return candidate.pushed_at >= running.pushed_at
