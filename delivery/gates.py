"""What the gates say of each waiting candidate now: facts are asked for here, judged in `policies/evaluate.py`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from delivery import known, policy_book, running, switch
from policies.approvers import GATE as APPROVERS
from policies.approvers import asks
from policies.containers import container_of
from policies.errors import PolicyError
from policies.evaluate import evaluate, evaluate_again
from policies.facts import Facts, Manifest
from policies.model import Contender, order_key
from policies.tags import Pushed
from rollouts.decided import Said
from rollouts.findings import Answer, Finding
from rollouts.model import App, Mode, Phase, Rollout
from rollouts.seen import AppSeen, CandidateSeen, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from delivery.policy_book import Book
    from delivery.ports import Ports
    from policies.model import Policy

REVISION, SOURCE = "org.opencontainers.image.revision", "org.opencontainers.image.source"
MOST_REVISION, MOST_URL, MOST_NAME = 128, 256, 160  # characters
GONE = "gone"  # in place of the version of a row that was deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One waiting rollout with its row, if that still parses, and what its gates say. runs: its digest runs already."""

    rollout: Rollout
    policy: Policy | None
    finding: Finding
    runs: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    pushed_by: str = ""


async def candidates(ports: Ports, app: App, seen: AppSeen | Unknown | None, gone: str) -> tuple[CandidateSeen, ...]:
    """Every waiting rollout as its gates see it now, the greatest image first.

    gone: why the app itself cannot be rolled out to ("" when it can); it closes every candidate.
    """
    repositories = {(r.image.registry, r.image.repository) for r in app.waiting}
    books = {pair: await policy_book.read(ports.rows, *pair) for pair in repositories}
    now = ports.clock.now()
    judged = await asyncio.gather(
        *(
            _judge(ports, app, rollout, books[rollout.image.registry, rollout.image.repository], seen, now)
            for rollout in app.waiting
        )
    )
    if gone:
        judged = [replace(one, finding=Finding(gate="app", answer=Answer.CLOSED, because=gone)) for one in judged]
    ranked = _ranked(list(judged))
    live = _live_contender(app, ranked, books)
    images = seen.images if isinstance(seen, AppSeen) else {}
    return tuple(_candidate(one, ranked[place + 1 :], app, live, images) for place, one in enumerate(ranked))


async def _judge(
    ports: Ports, app: App, rollout: Rollout, book: Book, seen: AppSeen | Unknown | None, now: datetime
) -> Judged:
    policy = book.policy(rollout.policy)
    if policy is None:
        closed = Finding(gate="policy", answer=Answer.CLOSED, because="its policy row is gone")
        return Judged(rollout=rollout, policy=None, finding=closed)
    if isinstance(policy, PolicyError):
        problems = "; ".join(str(problem) for problem in policy.problems)
        waits = Finding(gate="policy", answer=Answer.WAITING, because=f"its policy row is broken: {problems}")
        return Judged(rollout=rollout, policy=None, finding=waits)
    facts = await known.gather(ports, app, rollout, policy, book, seen)
    runs = isinstance(facts.running, Pushed) and running.is_it(facts.running, rollout, policy, seen)
    labels = facts.manifest.labels if isinstance(facts.manifest, Manifest) else {}
    finding = evaluate(policy, rollout.image, facts, now)
    pushed_by = next((push.pushed_by for push in facts.pushes if push.pushed_by), "")
    return Judged(
        rollout=rollout, policy=policy, finding=finding, runs=runs, labels=labels, pushed_by=pushed_by[:MOST_NAME]
    )


async def again(ports: Ports, app: App, seen: AppSeen | Unknown | None) -> Finding | None:
    """What those gates say of the live rollout that are asked again after its start.

    By its row as it is now, for a freeze or a rescan is no part of the frozen plan. None: the row is gone or broken,
    and that disturbs no live rollout.
    """
    live = app.live
    if live is None or live.phase is Phase.ROLLING_BACK:
        return None
    book = await policy_book.read(ports.rows, live.image.registry, live.image.repository)
    policy = book.policy(live.policy)
    if policy is None or isinstance(policy, PolicyError):
        return None
    if any(rule.lasting for rule in policy.gates):
        facts = await known.gather(ports, app, live, policy, book, seen)
    else:
        facts = Facts(offered_at=live.offered_at, manifest=None, stopped=await switch.stopped(ports.rows))
    return evaluate_again(policy, live.image, facts, ports.clock.now())


def _ranked(judged: list[Judged]) -> list[Judged]:
    """Greatest image first, within rows that order alike; rows that cannot be read come last."""
    lanes = sorted({one.policy.tags.lane for one in judged if one.policy})
    ranked: list[Judged] = []
    for lane in lanes:
        alike = [one for one in judged if one.policy and one.policy.tags.lane == lane]
        ranked += sorted(alike, key=_order, reverse=True)
    return ranked + [one for one in judged if one.policy is None]


def asks_for_a_look(app: App, candidate: CandidateSeen) -> bool:
    """Whether only the app itself is left to ask: before it starts, or before it is said that it would have."""
    if candidate.plan is None:
        return False
    said = any(r.n == candidate.n and Said.WOULD_HAVE in r.announced for r in app.waiting)
    return candidate.plan.mode is Mode.ON or not said


def _order(one: Judged) -> Any:  # noqa: ANN401 - a key of `sorted`, alike within one lane
    if one.policy is None:
        raise LookupError("only rows that parse are ordered")
    return order_key(one.policy, one.rollout.image, one.rollout.pushed_at)


def _live_contender(app: App, ranked: list[Judged], books: dict[tuple[str, str], Book]) -> Contender | None:
    live = app.live
    if live is None:
        return None
    book = books.get((live.image.registry, live.image.repository))
    policy = book.policy(live.policy) if book else None
    if policy is None or isinstance(policy, PolicyError):
        same = next((one.policy for one in ranked if one.policy and one.rollout.policy == live.policy), None)
        policy = same
    return Contender(policy=policy, image=live.image, pushed_at=live.pushed_at) if policy else None


def _candidate(
    one: Judged, below: list[Judged], app: App, live: Contender | None, images: Mapping[str, str]
) -> CandidateSeen:
    policy, rollout = one.policy, one.rollout
    if policy is None:
        # A row that comes back is another one than the row that is gone, even with the same cells.
        version = GONE if one.finding.answer is Answer.CLOSED else ""
        return CandidateSeen(n=rollout.n, finding=one.finding, policy_version=version, notify=rollout.notify)
    me = _contender(one, policy)
    container = container_of(policy, rollout.image, images)
    rivals = [
        (other.rollout.n, _contender(other, other.policy))
        for other in below
        if other.policy and container_of(other.policy, other.rollout.image, images) == container
    ]
    # Without a look the container, and with it the gates that need one, are not known: then nobody is superseded.
    same = app.live is not None and bool(container) and container == app.live.container
    return CandidateSeen(
        n=rollout.n,
        finding=one.finding,
        runs=one.runs,
        plan=policy.plan if one.finding.answer is Answer.OPEN and policy.mode is not Mode.OFF else None,
        policy_version=policy.version,
        notify=policy.plan.notify,
        mode=policy.mode,
        container=container,
        order=policy.tags.lane,
        source_revision=_label(one, REVISION, MOST_REVISION),
        source_url=_label(one, SOURCE, MOST_URL),
        pushed_by=one.pushed_by,
        asks=asks(one.finding),
        expired=any(gate.gate == APPROVERS and gate.answer is Answer.CLOSED for gate in one.finding.children),
        beats=same and live is not None and me.outranks(live),
        lesser=tuple(n for n, rival in rivals if me.outranks(rival)),
    )


def _label(one: Judged, name: str, most: int) -> str:
    """A label that every one of ten waiting rollouts can keep in one row, whole or "" (JSON escapes cost most)."""
    text = one.labels.get(name, "")
    return text if len(text) <= most and text.isascii() and text.isprintable() else ""


def _contender(one: Judged, policy: Policy) -> Contender:
    return Contender(policy=policy, image=one.rollout.image, pushed_at=one.rollout.pushed_at)
