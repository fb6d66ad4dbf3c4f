"""What a message is told about, and how its words are bounded.

Every text that enters a message goes through `plain` or `clip`, so that the size of an event follows from its shape.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts.decided import Said
from rollouts.model import Mode, Phase

if TYPE_CHECKING:
    from datetime import datetime

    from rollouts.decided import Announce
    from rollouts.model import App, Rollout, Stable, Weights
    from rollouts.seen import AppSeen

MARK = "…"
ENDED = {
    Said.PROMOTED: Phase.PROMOTED,
    Said.ROLLED_BACK: Phase.ROLLED_BACK,
    Said.SUPERSEDED: Phase.SUPERSEDED,
    Said.REJECTED: Phase.REJECTED,
    Said.EXPIRED: Phase.EXPIRED,
    Said.ABORTED: Phase.ABORTED,
    Said.FAILED: Phase.FAILED,
}


def cost(text: str) -> int:
    """Bytes of a text in the costliest JSON there is: every character beyond ASCII escaped."""
    return len(json.dumps(text)) - 2


def clip(text: str, most: int) -> str:
    """Cut a text to at most `most` bytes of JSON, marked with … where something is missing."""
    if cost(text[: most + 1]) <= most and len(text) <= most:
        return text
    room = most - cost(MARK)
    end = 0
    while end < len(text) and (room := room - cost(text[end])) >= 0:
        end += 1
    return text[:end].rstrip() + MARK


def plain(text: str, most: int) -> str:
    """One line of printable characters, clipped: names and reasons come from people and from Azure."""
    head = text[: most * 4]
    line = " ".join("".join(char if char.isprintable() else " " for char in head).split())
    return clip(line + (" " * most if len(text) > len(head) else ""), most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One announcement and everything known around it.

    before, after: the app's row before and after the decision. rollout: as decided; None: it is about the app.
    seen: the observation of this tick; None: not asked or not known. page: base URL for links, "" for none.
    """

    said: Announce
    before: App
    after: App
    rollout: Rollout | None
    app_id: str
    seen: AppSeen | None
    now: datetime
    page: str = ""

    @property
    def app_name(self) -> str:
        """Name for people: the last part of the resource id."""
        return plain(self.app_id.rstrip("/").rpartition("/")[2], 64)

    @property
    def mode(self) -> Mode | None:
        """How the policy is set; None: its row was never read, or the message is about the app."""
        if self.rollout is None:
            return None
        return self.rollout.plan.mode if self.rollout.plan else self.rollout.mode

    @property
    def previous(self) -> Stable | None:
        """What the users had before this rollout; None: nothing, or not known."""
        if self.rollout is None or self.rollout.started_at is None:
            return self.before.stable
        return self.rollout.stable

    @property
    def outcome(self) -> Phase | None:
        """What the message says the rollout ended in: said when it was seen, while a write may still be open."""
        if self.said.said is Said.REPORTED and self.rollout is not None:
            return self.rollout.phase
        return ENDED.get(self.said.said)

    @property
    def exposed(self) -> bool:
        """Whether anything may have reached the canary.

        It gets weight only after it was ready. Without ingress it works from its creation; on an app that never
        had a ready revision, Azure itself sends requests to it as soon as it can.
        """
        rollout = self.rollout
        if rollout is None or rollout.plan is None:
            return False
        unguarded = rollout.plan.replace or rollout.stable is None
        return rollout.ready_at is not None or (unguarded and rollout.created_at is not None)

    @property
    def live(self) -> Weights | None:
        """The weights seen in this tick, else the last ones seen that were ours; None: never seen."""
        if self.seen is None:
            return self.rollout.seen if self.rollout else None
        summed: dict[str, int] = {}
        for entry in self.seen.traffic:
            name = self.seen.latest_ready if entry.latest else entry.revision
            summed[name] = summed.get(name, 0) + entry.weight
        return summed

    @property
    def weight(self) -> int | None:
        """The canary's weight as last seen; None: not known, or the app has no ingress."""
        weights = self.said.after if self.said.after is not None else self.live
        if not weights or self.rollout is None or not self.rollout.canary:
            return None
        return weights.get(self.rollout.canary, 0)
