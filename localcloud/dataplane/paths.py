"""Where requests of a host go by their path: rules in order, the first that matches, as Envoy matches and rewrites."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Targets = tuple[tuple[str, int], ...]
"""(revision, weight), …; one of them gets every request, whatever its weight. None: 404."""


class Match(StrEnum):
    """How a path is compared, in Envoy's names of it."""

    PREFIX = "prefix"
    PATH = "path"
    SEGMENTS = "path_separated_prefix"  # `/a` is `/a` and `/a/b`, but not `/ab`


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Paths and their targets. rewrite: what takes the place of `text` in the path, "" leaves it."""

    targets: Targets
    match: Match = Match.PREFIX
    text: str = "/"
    rewrite: str = ""
    case_sensitive: bool = True

    def matches(self, path: str) -> bool:
        """Whether a path as it was sent, without its query, is one of these."""
        text = self.text
        if not self.case_sensitive:
            path, text = path.lower(), text.lower()
        match self.match:
            case Match.PREFIX:
                return path.startswith(text)
            case Match.PATH:
                return path == text
            case Match.SEGMENTS:
                return path == text or path.startswith(f"{text}/")

    def rewritten(self, path: str) -> str:
        """The path that its targets are asked for. Like Envoy it joins nothing: `/a` for `/` makes `/a/b` `//b`."""
        return self.rewrite + path[len(self.text) :] if self.rewrite else path


@dataclass(frozen=True, slots=True)
class Paths:
    """A host whose requests are told apart by their paths; one that no rule matches gets 404."""

    rules: tuple[Rule, ...]


def rules(way: Targets | Paths) -> tuple[Rule, ...]:
    """What a host has: its rules, or one for all its paths."""
    return way.rules if isinstance(way, Paths) else (Rule(targets=way),)
