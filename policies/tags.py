"""Tags: which of a repository's images a row selects, and which of two is the newer one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from policies.natural import natural_key
from policies.patterns import Pattern, glob_matches
from policies.tag_kinds import Exact, Key, Kind, Order

# Of the OCI distribution specification: what a tag may be.
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
# What hangs on an image and is never one of its own: the tag schema of the distribution specification's referrers
# (cosign's too: https://github.com/sigstore/cosign, "Registry Details"), and whatever calls itself a signature.
_COMPANION = re.compile(r"sha(?:256|384|512)-[0-9a-f]{64,}(?:[.-].+)?|.+\.(?:sig|att|sbom)", re.ASCII)
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)

OrderKey = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """An image as it was pushed. tag, digest "": not known. pushed_at: the registry's time, None: not known."""

    tag: str
    digest: str
    pushed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whether a tag is selected, and why."""

    selected: bool
    because: str


def _no(because: str) -> Selection:
    return Selection(selected=False, because=because)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRule:
    """The Tags cell. text: as it was written. source: the `from` pattern, None: the whole tag is compared."""

    text: str
    kind: Kind
    source: Pattern | None = None
    excluded: tuple[str, ...] = ()

    @property
    def order(self) -> Order:
        """What the rule goes by."""
        return self.kind.order

    @property
    def lane(self) -> str:
        """How it orders: rows that share a container must have this in common. Short enough for an app's row."""
        return self.kind.lane

    @property
    def by_tag(self) -> bool:
        """Whether a tag says by itself which image is the newer; else only what it names now does."""
        return self.kind.by_tag

    def __str__(self) -> str:
        """The cell in one spelling; it reads as the same rule."""
        source = f" from {self.source.text}" if self.source else ""
        excluded = f" except {', '.join(self.excluded)}" if self.excluded else ""
        return f"{self.kind}{source}{excluded}"

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
        refused = self.kind.refuses(part)
        return _no(refused) if refused else Selection(selected=True, because=f"{tag} is taken by {self.text}")

    def key(self, tag: str) -> Key | None:
        """What the rule compares, also of a tag that it does not select; None when it compares no such tag."""
        if TAG.fullmatch(tag) is None:
            return None
        part = self.source.part(tag) if self.source else tag
        return self.kind.key(part) if part else None

    def order_key(self, image: Pushed) -> OrderKey:
        """Sorts images of rules with the same `lane`; the greatest ships.

        The parsed key, then the push time, an unknown one before all, then the digest. Images that all of this leaves
        equal are told apart by name, so that the answer never hangs on the order in which they were listed: the one
        an `exact` rule names first, else the last in natural order.
        """
        names = self.kind.names if isinstance(self.kind, Exact) else ()
        place = -names.index(image.tag) if image.tag in names else -len(names)
        name = (place, natural_key(image.tag[:128]), image.tag)
        return self.key(image.tag) or (), image.pushed_at or _BEFORE_ALL, image.digest, name

    def is_upgrade(self, candidate: Pushed, running: Pushed, others: tuple[TagRule, ...] = ()) -> bool:
        """Whether the candidate may replace what runs: never when it is known to be the older one.

        others: the rules of other rows of the same container, one of which may have put `running` there.
        What cannot be compared is an upgrade: no record, no claim. Of two digests under one tag the one that the tag
        names now is the newer, which is for the caller to ask: here only an older push is refused, and not by `exact`.
        """
        if candidate.digest and candidate.digest == running.digest:
            return False
        if self.by_tag:
            mine = self.key(candidate.tag)
            alike = (rule.key(running.tag) for rule in (self, *others) if rule.lane == self.lane)
            theirs = next((key for key in alike if key is not None), None)
            if mine is None or theirs is None:
                return True
            if mine != theirs:
                return mine > theirs
        again = candidate.tag == running.tag
        if candidate.pushed_at is None or running.pushed_at is None or (again and self.order is Order.EXACT):
            return True
        if again:
            return candidate.pushed_at >= running.pushed_at
        return (candidate.pushed_at, candidate.digest) > (running.pushed_at, running.digest)
