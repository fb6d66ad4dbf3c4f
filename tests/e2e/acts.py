"""A story played on the local cloud: an app with a repository, a policy row and users of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localcloud import samples
from scripts.demo.stage import ASK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scripts.demo.stage import Stage
    from scripts.demo.users import Users

STEPS = "10% for 2s, 50% for 2s, 100% for 2s"
CHECKS = "probe /healthz; restarts == 0; errors <= stable + 1%"
WITHIN = 150.0


@dataclass(kw_only=True)
class Act:
    """One story: an app at 1.0.0 with a repository, a row and users of its own, and how its rollouts ended."""

    stage: Stage
    name: str
    cells: dict[str, Any]
    users: Users = field(init=False)
    ended: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, int] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def repository(self) -> str:
        return f"shop/{self.name}"

    async def open(self) -> None:
        await self.stage.push("1.0.0", samples.good("1.0.0"), repository=self.repository)
        await self.stage.create_app("1.0.0", name=self.name, repository=self.repository)
        await self.edit()

    def row(self, app: str) -> dict[str, Any]:
        return {"App": f"{self.stage.at['resource_group']}/{app}", "Steps": STEPS, "Checks": CHECKS}

    async def edit(self, **cells: Any) -> None:
        row = {**self.row(self.name), "Notify": "hook all", **self.cells, **cells}
        await self.stage.put_policy(repository=self.repository, **row)

    async def ended_again(self, n: int) -> None:
        """Wait for the end of a rollout by its number: an undo has the image of the one it takes back."""

        async def over() -> bool:
            return (await self.stage.rollout(n, self.name)).get("finished") is not None

        await self.stage.wait_for(over, within=WITHIN, every=ASK_SECONDS)
        self.ended.append(await self.stage.rollout(n, self.name))

    async def push(self, tag: str, image: Any = None) -> str:
        return await self.stage.push(tag, image or samples.good(tag), repository=self.repository)

    async def end(self, tag: str) -> None:
        self.ended.append(await self.stage.ended(tag, within=WITHIN, name=self.name))

    async def seen(self, tag: str, least: int = 1) -> None:
        async def answers() -> bool:
            return self.users.answered[tag] >= least

        await self.stage.wait_for(answers, within=WITHIN)

    async def scanned(self, digest: str, *, critical: int) -> None:
        counts = dict.fromkeys(("high", "medium", "low", "negligible", "unknown"), 0)
        now = self.stage.cloud.clock.now().isoformat()
        await self.stage.publish_scan(
            {
                "image": {"registry": self.stage.at["login_server"], "repository": self.repository, "digest": digest},
                "scanner": {"name": "trivy", "adapter": "trivy-json"},
                "scan": {
                    "id": digest[:20],
                    "status": "completed",
                    "completedAt": now,
                },
                "summary": {"total": {"critical": critical, **counts}, "fixable": {"critical": 0, **counts}},
            }
        )

    @property
    def phases(self) -> list[str]:
        return [rollout["phase"] for rollout in self.ended]

    @property
    def failed_by_stable(self) -> int:
        return self.users.failed.total() - self.users.failed["1.9.9"]

    def file(self, tag: str) -> dict[str, Any]:
        """The app as a template tool's file says it."""
        return self.stage.app_file(tag, self.repository)

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one kind about this app, each once."""
        mine = {e["id"]: e for e in self.stage.hooks.got if e["source"].lower().endswith(f"/{self.name}")}
        return [event for event in mine.values() if event["type"] == f"Weighbridge.{kind}"]

    async def hears(self, kind: str) -> None:
        async def heard() -> bool:
            return bool(self.told(kind))

        await self.stage.wait_for(heard, within=WITHIN)


async def play_all(stage: Stage, stories: Mapping[Any, dict[str, Any]]) -> dict[str, Act]:
    """Every story, each on an app of its own, with its cells; what came of them by the story's name."""

    async def play(story: Any, cells: dict[str, Any]) -> Act:
        act = Act(stage=stage, name=f"ca-{story.__name__.replace('_', '-')}", cells=cells)
        await act.open()
        async with stage.users(20, name=act.name) as act.users:
            await story(act)
        act.weights = await stage.weights(act.name)
        return act

    played = await asyncio.gather(*(play(story, cells) for story, cells in stories.items()))
    return {story.__name__: act for story, act in zip(stories, played, strict=True)}
