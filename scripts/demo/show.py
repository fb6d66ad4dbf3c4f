"""How the demo looks: the product's own words, with a bar for the weight."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.demo.users import Users

BAR = 20
ENDINGS = ("RolloutPromoted", "RolloutRolledBack", "RolloutSuperseded", "RolloutFailed", "RolloutRejected")


class Show:
    """Prints one story: lines stamped with the seconds since the push."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True, record=True)
        self._began = time.time()

    def picture(self, path: Path) -> None:
        """Everything shown so far as an SVG, for the README."""
        picture = self.console.export_svg(title="make demo", clear=False)
        # Rich's picture asks another host for its font; a reader's own will do.
        path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL))

    def line(self, text: str = "") -> None:
        """A line of the frame."""
        self.console.print(escape(text))

    def chapter(self, text: str) -> None:
        """A new story begins now."""
        self._began = time.time()
        self.console.print(f"\n[bold]{escape(text)}[/bold]")

    def event(self, event: dict[str, Any], rollout: dict[str, Any]) -> None:
        """One message, as it came in by webhook; measurements as the product holds them now."""
        kind = event["type"].removeprefix("Weighbridge.")
        data = event["data"]
        stamp = f"{datetime.fromisoformat(event['time']).timestamp() - self._began:6.1f} s"
        if kind == "RolloutStepped":
            weight = int(data["step"]["weight"])
            filled = round(weight * BAR / 100)
            bar = f"[green]{'█' * filled}[/green][dim]{'░' * (BAR - filled)}[/dim]"
            self.console.print(f"{stamp}  {weight:3} %  {bar}  {escape(self._measured(rollout))}")
        elif kind in ENDINGS:
            colour = "green" if kind == "RolloutPromoted" else "red"
            self.console.print(f"{stamp}  [bold {colour}]{escape(data['summary'])}[/bold {colour}]")
        else:
            self.console.print(f"{stamp}  {escape(data['summary'])}")
            if data.get("because") and kind in ("RolloutRollingBack", "RolloutStarted"):
                self.console.print(f"{'':10}because {escape(data['because'].removeprefix('rolling back, because '))}")

    def _measured(self, rollout: dict[str, Any]) -> str:
        """What was measured, without the limits: they stand in the policy above."""
        shown = [m for m in rollout.get("measurements", []) if m["check"] != "own state" or m["verdict"] != "passed"]
        short = [re.split(r", limit| to rule out", m["because"])[0] for m in shown]
        return " · ".join(short) or rollout.get("because", "")

    def users(self, users: Users, stable: str, canary: str) -> None:
        """What the users saw."""
        bad = users.failed.total()
        text = f"{bad} of {users.total} user requests failed"
        if bad:
            text += f": {users.failed[canary]} on the canary, {bad - users.failed[canary]} on {stable}"
        self.line(f"{'':10}{text}")
