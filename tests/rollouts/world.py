"""A world in which `decide` runs without a shell: one app, its Azure, its users, and the row as a value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from delivery.errors import Refused, Retry
from rollouts import candidates, gauges, reporting, watch
from rollouts.checks import Check, CheckKind, Counts, Limit, Reading
from rollouts.decided import Announce, Decision, Said
from rollouts.findings import Answer, Finding
from rollouts.machine import decide
from rollouts.model import Actor, ActorKind, App, Image, Phase, Plan, Rollout, Step, Totals, Write, WriteAnswer
from rollouts.seen import (
    ApprovalSeen,
    CandidateSeen,
    MetricSeen,
    Observation,
    Offer,
    OperationSeen,
    Order,
    ProbeSeen,
    ReportSeen,
    Unknown,
    Verb,
)
from tests.fakes.azure import FakeAzure
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Mapping

RESOURCE = "/subscriptions/s/resourceGroups/rg-shop/providers/Microsoft.App/containerApps/ca-web"
KEY = RESOURCE.lower().replace("/", "|")
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ERRORS = Check(kind=CheckKind.ERRORS, text="errors <= stable x 2", limit=Limit(times=2))
RESTARTS = Check(kind=CheckKind.RESTARTS, text="restarts == 0")
PERSON = Actor(kind=ActorKind.PERSON, id="ada@contoso.com", name="Ada")


def digest(n: int) -> str:
    return f"sha256:{n:06x}{n:058x}"


def image(n: int) -> Image:
    return Image(registry="contoso.azurecr.io", repository="shop/web", tag=f"1.{n}.0", digest=digest(n))


def a_plan(*weights: int, **changes: object) -> Plan:
    steps = tuple(Step(weight=w, bake=timedelta(minutes=1)) for w in weights or (5, 25, 100))
    plan = Plan(steps=steps, checks=(RESTARTS, ERRORS), deadline=timedelta(hours=1), keep=timedelta(hours=1))
    return replace(plan, **changes)  # type: ignore[arg-type]  # fields of Plan


class Shell(StrEnum):
    """What becomes of a tick after it decided."""

    WHOLE = "it saves, sends and records"
    LOSES = "another tick saved first: nothing of it remains"
    DIES_SAVED = "it dies after the save: its write was never sent"
    DIES_SENT = "it dies after the send: the answer was never recorded"
    SLOW = "it sends after later ticks, and records then"


@dataclass(frozen=True, kw_only=True)
class Ticked:
    """One saved tick, for an oracle: what it loaded and was shown, and what it decided."""

    at: datetime
    app: App
    seen: Observation
    decision: Decision


OPENED = Finding(gate="all", answer=Answer.OPEN, because="every gate is open")
TO_APP = (Verb.HOLD, Verb.RELEASE, Verb.RETRY, Verb.PIN, Verb.UNDO)


@dataclass(kw_only=True)
class World:
    """Ticks the app whenever it is due; `said` collects what people were told."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    azure: FakeAzure = field(init=False)
    app: App = field(default_factory=lambda: App(key=KEY))
    plan: Plan = field(default_factory=a_plan)
    findings: dict[str, Finding] = field(default_factory=dict)
    error_rates: dict[str, float] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    ended: list[Rollout] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    ticks: list[Ticked] = field(default_factory=list)
    slow: list[Decision] = field(default_factory=list)
    said: list[Announce] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)
    counted_at: datetime = START
    rps: float = 20.0
    settle: timedelta = timedelta()
    metrics_away: bool = False
    readings: dict[str, Reading] = field(default_factory=dict)  # what queries answer, by a part of the revision's name
    queries_away: bool = False
    shut: Finding | None = None  # what the gates of the live rollout say when they are asked again
    worth: ApprovalSeen | None = None  # of every order to approve
    asks: bool = False  # whether only people are missing where a gate waits
    expired: bool = False  # whether they were asked in vain where a gate is closed
    slowest: timedelta = timedelta(seconds=1)  # between two ticks, at least

    def __post_init__(self) -> None:
        self.azure = FakeAzure(self.clock)
        self.live = self.azure.create(RESOURCE, image(0).reference)

    def push(self, n: int) -> None:
        self.offers.append(Offer(image=image(n), policy="p/production", pushed_at=self.clock.now()))

    def order(self, verb: Verb, **more: object) -> None:
        rollout = self.app.live or (self.app.waiting[0] if self.app.waiting else None)
        to_app = verb in TO_APP or rollout is None
        order = Order(
            id=f"order:{len(self.decisions):06}:{len(self.orders):02}",
            verb=verb,
            actor=PERSON,
            at=self.clock.now(),
            n=None if to_app or rollout is None else rollout.n,
            digest="" if to_app or rollout is None else rollout.image.digest,
        )
        if verb is Verb.UNDO and self.app.stable:
            order = replace(order, digest=self.app.stable.digest)
        if verb in (Verb.RETRY, Verb.PIN) and self.app.done:
            order = replace(order, digest=self.app.done[-1].digest)
        self.orders.append(replace(order, **more))  # type: ignore[arg-type]  # fields of Order

    def users(self) -> None:
        """Send the users' requests since the last time by the weights that were live."""
        now = self.clock.now()
        requests = (now - self.counted_at).total_seconds() * self.rps
        self.counted_at = now
        weights = self.live.history[-1][1] if self.live.history else self.azure.weights(self.live)
        for name, weight in weights.items():
            rate = next((r for key, r in self.error_rates.items() if key in name), 0.0)
            mine = int(requests * weight / 100)
            old = self.counts.get(name, Counts())
            self.counts[name] = Counts(requests=old.requests + mine, errors=old.errors + int(mine * rate))

    def observe(self, app: App) -> Observation:
        return replace(
            self._looked(app),
            metrics=self._metrics(app),
            report=self._report(app),
            settle=self.settle,
            gates=(self.shut or OPENED) if app.live else None,
            approvals={order.id: self.worth for order in self.orders} if self.worth else {},
        )

    def _report(self, app: App) -> ReportSeen | None:
        """The counts of an ended canary, with its rollout as the history has it."""
        entry = reporting.due(app, self.clock.now())
        if entry is None:
            return None
        canary, stable = (self.counts.get(name, Counts()) for name in (entry.canary, entry.stable))
        totals = Totals(at=entry.until, since=entry.since, canary=canary, stable=stable)
        return ReportSeen(
            n=entry.n,
            rollout=next(rollout for rollout in self.ended if rollout.n == entry.n),
            totals=Unknown(because="metrics 503") if self.metrics_away else totals,
        )

    def _looked(self, app: App) -> Observation:
        if self.azure.away:
            away = Unknown(because="ARM 503")
            return Observation(
                app=away, operations={}, totals=away, candidates=self.candidates(app), orders=self.given()
            )
        try:
            seen = self.azure.seen(RESOURCE)
        except Refused as refused:
            lost = Unknown(because=str(refused), gone=True)
            return Observation(app=lost, operations={}, candidates=self.candidates(app), orders=self.given())
        operations: dict[int, OperationSeen] = {w.id: self.azure.polled(w.location) for w in app.writes if w.location}
        probes: tuple[ProbeSeen, ...] = ()
        totals = None
        if app.live and app.live.plan:
            revision = seen.revision(app.live.canary)
            if revision is not None and seen.ingress:
                specs = (*watch.specs(app.live.plan), *watch.warned(app.live.plan))
                probes = tuple(self.azure.probed(revision.fqdn, spec) for spec in specs)
            stable = app.live.stable.revision if app.live.stable else ""
            totals = Totals(
                at=self.clock.now() - self.settle,
                since=START,
                canary=self.counts.get(app.live.canary, Counts()),
                stable=self.counts.get(stable, Counts()),
            )
            seen = replace(
                seen,
                revisions=tuple(replace(r, restarts=3 if r.running == "Failed" else 0) for r in seen.revisions),
            )
        return Observation(
            app=seen,
            operations=operations,
            probes=probes,
            totals=Unknown(because="metrics 503") if self.metrics_away else totals,
            candidates=self.candidates(app),
            orders=self.given(),
        )

    def _metrics(self, app: App) -> Mapping[int, MetricSeen | Unknown]:
        """What is due of the checks that a query answers, asked once a minute."""
        live, now = app.live, self.clock.now()
        due = gauges.due(live, now, settle=self.settle, every=timedelta(minutes=1)) if live else {}
        return {place: self._reading(live, asking) for place, asking in due.items() if live}

    def _reading(self, live: Rollout, asking: gauges.Asking) -> MetricSeen | Unknown:
        def of(name: str) -> Reading:
            return next((reading for key, reading in self.readings.items() if key in name), Reading())

        if self.queries_away:
            return Unknown(because="logs 503")
        stable = of(live.stable.revision) if asking.stable and live.stable else None
        return MetricSeen(since=asking.since, until=asking.until, canary=of(live.canary), stable=stable)

    def given(self) -> tuple[Order, ...]:
        return tuple(self.orders)

    def candidates(self, app: App) -> tuple[CandidateSeen, ...]:
        ranked = sorted(app.waiting, key=lambda r: r.image.digest, reverse=True)
        found = []
        for place, rollout in enumerate(ranked):
            finding = self.findings.get(rollout.image.digest, OPENED)
            found.append(
                CandidateSeen(
                    n=rollout.n,
                    finding=finding,
                    plan=self.plan if finding.answer is Answer.OPEN else None,
                    container="web",
                    beats=app.live is not None and rollout.image.digest > app.live.image.digest,
                    lesser=tuple(r.n for r in ranked[place + 1 :]),
                    asks=self.asks,
                    expired=self.expired,
                )
            )
        return tuple(found)

    def tick(self, shell: Shell = Shell.WHOLE) -> Decision:
        """Run one tick; what it says and ends counts only if it saved."""
        self.users()
        now = self.clock.now()
        app = candidates.admit(self.app, tuple(self.offers), now)
        seen = self.observe(app)
        decision = decide(app, seen, now)
        if shell is Shell.LOSES:
            return decision
        self.offers.clear()
        self.orders.clear()
        self.app = decision.next
        self.decisions.append(decision)
        self.ticks.append(Ticked(at=now, app=app, seen=seen, decision=decision))
        self.ended.extend(decision.finished)
        self.said.extend(e for e in decision.effects if isinstance(e, Announce))
        late, self.slow = self.slow, []
        for earlier in late:
            self.act(earlier)
        match shell:
            case Shell.SLOW:
                self.slow.append(decision)
            case Shell.WHOLE | Shell.DIES_SENT:
                self.act(decision, records=shell is Shell.WHOLE)
            case _:
                pass
        return decision

    def act(self, decision: Decision, *, records: bool = True) -> None:
        """Send the tick's write once, if its observation is fresh still, and record the answer."""
        intent = next((w for w in decision.next.writes if w.id == decision.next.seq), None)
        if decision.write is None or intent is None:
            return
        answer, location, error = WriteAnswer.ACCEPTED, "", ""
        now = self.clock.now()
        if now >= intent.give_up_at:
            answer, error = WriteAnswer.UNSENT, "the observation was older than 10 s"
        else:
            try:
                location = self.azure.take(RESOURCE, decision.write).location
            except Retry as retry:
                answer = WriteAnswer.LOST if retry.lost else WriteAnswer.BUSY
                error = str(retry)
            except Refused as refused:
                answer, error = WriteAnswer.REFUSED, str(refused)
        if records:
            told = replace(intent, answer=answer, location=location, error=error, answered_at=now)
            self.app = replace(self.app, writes=tuple(_told(w, told) for w in self.app.writes))

    def wait(self, due: datetime | None) -> None:
        """Let time pass until the next tick is due."""
        now = self.clock.now()
        self.clock.advance(max((due or now) - now, self.slowest))

    def run(self, limit: timedelta = timedelta(hours=3)) -> None:
        """Tick until the app is idle or `limit` has passed."""
        end = self.clock.now() + limit
        while self.clock.now() < end:
            due = self.tick().due
            if due is None:
                return
            self.wait(due)

    def run_until(self, phase: Phase, step: int | None = None) -> Rollout:
        """Tick until the live rollout is in this phase (and its weight was seen at this step)."""
        for _ in range(2000):
            if live := self.at(phase, step):
                return live
            due = self.tick().due
            if live := self.at(phase, step):
                return live
            self.wait(due)
        raise AssertionError(f"never saw {phase} {step}")

    def at(self, phase: Phase, step: int | None) -> Rollout | None:
        live = self.app.live
        there = live and live.phase is phase and (step is None or (live.step == step and live.verified_at is not None))
        return live if there else None

    def weights(self) -> Mapping[str, int]:
        """Live weights by revision suffix."""
        self.azure.settle()
        return {name.partition("--")[2]: w for name, w in self.azure.weights(self.live).items()}

    def told(self) -> list[Said]:
        return [a.said for a in self.said]


def _told(write: Write, told: Write) -> Write:
    """Record an answer while the row still names this write."""
    return replace(told, doubt=write.doubt) if write.id == told.id and write.give_up_at == told.give_up_at else write
