"""The working state of one decision: what changes, what is told, and the one write."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from rollouts.decided import Announce, ArmWrite, Effect, Said
from rollouts.model import POLICY, Actor, App, Rollout, Weights
from rollouts.seen import AppSeen, Observation, Unknown

REMEMBERED = 80  # transitions a rollout has announced


@dataclass(slots=True, kw_only=True)
class Turn:
    """Collects one decision. Values inside stay frozen; only this collection changes.

    loaded: the row as it was loaded; conditions on open writes are asked of it, never of what this tick settled.
    """

    loaded: App
    app: App
    seen: Observation
    now: datetime
    effects: list[Effect] = field(default_factory=list)
    finished: list[Rollout] = field(default_factory=list)
    reported: list[Rollout] = field(default_factory=list)
    because: list[str] = field(default_factory=list)
    write: ArmWrite | None = None

    @property
    def live(self) -> Rollout:
        """The rollout that holds the app; only asked where there is one."""
        if self.app.live is None:
            raise LookupError("no rollout holds the app")
        return self.app.live

    @property
    def arm(self) -> AppSeen | None:
        """The app as ARM tells it, or None when it was not asked or could not be."""
        return self.seen.app if isinstance(self.seen.app, AppSeen) else None

    @property
    def gone(self) -> bool:
        """Whether there is no such app any more; nothing can land on it."""
        return isinstance(self.seen.app, Unknown) and self.seen.app.gone

    @property
    def quiet(self) -> bool:
        """Whether the row was loaded without an open write (DESIGN 3a e)."""
        return not self.loaded.writes

    def change(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of App, checked by replace
        """Change the app."""
        self.app = replace(self.app, **changes)

    def change_live(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Rollout, checked by replace
        """Change the rollout that holds the app."""
        live = self.live
        if any(getattr(live, name) != value for name, value in changes.items()):
            self.change(live=replace(live, **changes))

    def rollout(self, n: int) -> Rollout | None:
        """The live or waiting rollout of this number."""
        held = (self.app.live,) if self.app.live else ()
        return next((r for r in (*held, *self.app.waiting) if r.n == n), None)

    def put(self, rollout: Rollout) -> None:
        """Replace a live or waiting rollout by its next value."""
        if self.app.live and self.app.live.n == rollout.n:
            self.change(live=rollout)
        else:
            self.change(waiting=tuple(rollout if r.n == rollout.n else r for r in self.app.waiting))

    def say(  # an announcement has many parts, all optional
        self,
        said: Said,
        because: str,
        *,
        n: int | None = None,
        transition: str = "",
        actor: Actor = POLICY,
        before: Weights | None = None,
        after: Weights | None = None,
        comment: str = "",
    ) -> bool:
        """Announce an edge once per transition; answers whether it was new."""
        transition = transition or said.value
        rollout = self.rollout(n) if n is not None else None
        if rollout is not None:
            if transition in rollout.announced:
                return False
            self.put(replace(rollout, announced=(*rollout.announced, transition)[-REMEMBERED:]))
        self.because.append(because)
        self.effects.append(
            Announce(
                said=said,
                transition=transition,
                because=because,
                n=n,
                actor=actor,
                before=before,
                after=after,
                comment=comment,
            )
        )
        return True
