"""MinAge: how long the repository must have had an image before it ships.

The age is that of the bytes: it counts from the first push of the digest that is known, under whatever tag. A tag that
is put on an old image, or a push of the same image again, makes it no younger; others have had that long to find fault
with it. A push into another repository does not count: who may push there is not who may push here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import ClassVar

from policies import values
from policies.durations import say_duration
from policies.gate import Asked, is_open, is_waiting
from policies.wall_clock import say_moment
from rollouts.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class MinAgeRule:
    """The MinAge cell."""

    text: str
    least: timedelta
    lasting: ClassVar[bool] = False

    def ask(self, asked: Asked) -> Finding:
        """Open once the first known push is old enough; no known push is no age."""
        image, now = asked.image, asked.now
        mine = (image.repository, image.digest)
        pushes = [push.first_at for push in asked.facts.pushes if (push.repository, push.digest) == mine]
        if not pushes:
            return is_waiting("age", f"cannot tell: no push of it to {image.repository} is recorded")
        # A registry whose clock is ahead dates a push in the future: it cannot be younger than that.
        pushed = min(now, *pushes)
        opens = pushed + self.least
        because = f"pushed {say_moment(pushed, now, UTC)} UTC"
        if opens <= now:
            return is_open("age", f"{because}, at least {say_duration(self.least)} ago")
        when = f"{say_moment(opens, now, UTC)} UTC"
        return is_waiting("age", f"{because}, must be {say_duration(self.least)} old; opens {when}", opens)


def read_min_age(text: str, column: str = "MinAge") -> MinAgeRule | None:
    """The rule, None for `none`; raises `CellError`."""
    if text.lower() == "none":
        return None
    return MinAgeRule(text=text, least=values.duration(text, column))
