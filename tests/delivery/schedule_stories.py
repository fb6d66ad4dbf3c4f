"""Three short lives of an app, each told through ports that a test taps, and how each must end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from delivery import codec, names
from rollouts.model import App, Phase
from tests.delivery.schedule import Tap, tapped
from tests.delivery.shop import KEY, REGISTRY, ROW, Shop

SHORT = {**ROW, "Steps": "50% for 10s, 100% for 10s", "Keep": "none"}
SLOW = {**SHORT, "Steps": "50% for 2m, 100% for 10s"}  # an event that comes again 30 s later still finds it at 50 %
GRACE = timedelta(minutes=5, seconds=30)  # no entry of `active` lies further ahead


@dataclass(frozen=True, kw_only=True)
class Story:
    """tell: from an open shop to nothing left to do. ends: the phase of each rollout, by its number."""

    name: str
    tell: Callable[[Shop], Awaitable[None]]
    ends: dict[int, Phase]
    image: int
    row: Mapping[str, object]


async def _promote(shop: Shop) -> None:
    await shop.push(1)
    await finish(shop)


async def _roll_back(shop: Shop) -> None:
    shop.metrics.error_rates["wb1"] = 0.9
    await shop.push(1)
    await finish(shop)


async def _supersede(shop: Shop) -> None:
    await shop.push(1)
    await until_weight(shop)
    await shop.push(2)
    await finish(shop)


PROMOTED = Story(name="promoted", tell=_promote, ends={1: Phase.PROMOTED}, image=1, row=SHORT)
ROLLED_BACK = Story(name="rolled back", tell=_roll_back, ends={1: Phase.ROLLED_BACK}, image=0, row=SHORT)
SUPERSEDED = Story(name="superseded", tell=_supersede, ends={1: Phase.SUPERSEDED, 2: Phase.PROMOTED}, image=2, row=SLOW)
STORIES = (PROMOTED, ROLLED_BACK, SUPERSEDED)


async def opened(tap: Tap | None = None, row: Mapping[str, object] = SHORT) -> Shop:
    """A shop that is quick: Azure takes 2 s for a write and 2 s for a start. A tap sees calls from the first event."""
    shop = Shop(row=row)
    shop.azure.latency = shop.azure.boot = timedelta(seconds=2)
    shop.metrics.rps = 200.0
    shop.ports.heard.add(REGISTRY)
    await shop.open()
    if tap is not None:
        shop.ports = tapped(shop.ports, tap)
    return shop


async def until_weight(shop: Shop) -> None:
    """Until the canary has weight."""
    for _ in range(2000):
        live = (await shop.state()).live
        if live and live.phase is Phase.BAKING and live.verified_at:
            return
        if not await step(shop):
            break
    raise AssertionError(f"no canary ever had weight: {(await shop.state())}")


async def finish(shop: Shop, limit: timedelta = timedelta(hours=3)) -> None:
    """Until nothing is left to do."""
    end = shop.clock.now() + limit
    while await step(shop):
        assert shop.clock.now() < end, f"still busy after {limit}: {await shop.state()}"


async def step(shop: Shop) -> bool:
    """One step of the host, and what must hold after every one of them."""
    again = await shop.step()
    holds(shop)
    return again


def busy(app: App) -> bool:
    """Whether there is anything left to do, messages aside."""
    return bool(app.live or app.waiting or app.writes or app.retire)


def holds(shop: Shop) -> None:
    """A live app is never missing from `active`, and never listed later than the grace."""
    listed = shop.rows._partition(names.ACTIVE, names.shard(KEY)).get(KEY)
    if listed:
        due = listed.columns["due_at"]
        assert due <= shop.clock.now() + GRACE, f"listed as late as {due}"  # type: ignore[operator]  # a time
    rows = shop.rows._partition(names.ROLLOUTS, KEY)
    if "app" in rows and not listed:
        app = codec.decode(rows["app"])
        assert not busy(app), f"live and not listed: {app}"
        letters = [row for key, row in rows.items() if key.startswith("outbox:") and not row.columns.get("parked")]
        assert not letters, "not listed, with messages undelivered"
    for entry in shop.app.traffic:
        revision = shop.app.revisions.get(entry.revision)
        carries = revision is not None and revision.active
        assert carries or entry.latest or not entry.weight, f"weight on {revision}"


def ids(shop: Shop) -> set[tuple[str, str]]:
    """What a receiver has that drops repeats."""
    return {(str(event["type"]), str(event["id"])) for event in shop.channel.got}


async def ended(shop: Shop, story: Story) -> None:
    """The story's own end: every rollout over, traffic whole, nothing open, nothing listed, nothing stuck."""
    app = await shop.state()
    assert {done.n: done.phase for done in app.done} == story.ends
    stable = f"ca-web--wb{story.image}-{story.image:06x}" if story.image else "ca-web--first"
    assert shop.azure.weights(shop.app) == {stable: 100}
    assert not busy(app), app
    assert [name for name, r in shop.app.revisions.items() if r.active] == [stable]
    assert not shop.rows.peek(names.ACTIVE)
    assert not shop.queue.messages
    assert not shop.poison
    assert not [row for row in shop.rows.peek(names.ROLLOUTS) if row.key.startswith(("outbox:", "order:"))]
