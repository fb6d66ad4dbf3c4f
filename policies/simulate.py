"""What rows would have done to a recorded history: the gates as they are asked live, on a clock that jumps.

A rollout takes its bakes and is promoted, unless the history has a verdict of the same row on the same digest that
says otherwise. What was never asked is taken to be well, as in `policies/offline.py`; people agree when they are asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from policies.approvers import asks
from policies.evaluate import evaluate
from policies.evidence import ScanEvidence
from policies.explain import assume
from policies.facts import Facts
from policies.happenings import Happening, Simulated, Trust, What
from policies.heard import Heard
from policies.history import Entry, Verdict, moment_of
from policies.model import Policy
from policies.offline import an_image
from policies.pushes import PushEvidence
from policies.render import moment
from policies.signed import GATE as SIGNED
from policies.simulated_app import Candidate, Live, SimulatedApp, slot
from policies.simulated_clock import Clock, Due
from policies.simulated_ends import ENDS, QUARANTINED, Ends, as_recorded, held
from policies.simulated_rows import Rows
from policies.tags import Pushed
from rollouts.candidates import MOST_WAITING
from rollouts.findings import Answer, Finding
from rollouts.model import Image, Mode, Phase

MOST_ASKS = 200  # of one image by the clock alone; Trust.CUT says both numbers
LONGEST = timedelta(days=90)  # after the last entry
_TAKEN = {SIGNED: Trust.SIGNED}
_ALWAYS = datetime.max.replace(tzinfo=UTC)


def simulate(rows: Sequence[Policy], history: Iterable[Entry]) -> Simulated:
    """Everything that happens. rows: those that are good. history: in any order."""
    return _World(rows, sorted(history, key=moment_of)).run()


class _World:
    """All apps, and the clock."""

    def __init__(self, rows: Iterable[Policy], history: Sequence[Entry]) -> None:
        self._rows, self._ends, self._heard = Rows(rows), Ends(history), Heard()
        self._apps: dict[str, SimulatedApp] = defaultdict(SimulatedApp)
        self._where: dict[tuple[str, str], set[str]] = defaultdict(set)  # apps an image of it ever waited for
        self._dirty: set[str] = set()  # apps whose gates are to be asked
        self._told: list[Happening] = []
        self._left_out: set[tuple[str, Image]] = set()
        self._notes: dict[Trust, None] = {}
        self._clock = Clock()
        for entry in history:
            self._clock.put(moment_of(entry), entry)
        self._horizon = moment_of(history[-1]) + LONGEST if history else _ALWAYS

    def run(self) -> Simulated:
        while (now := self._clock.jump()) is not None:
            while (due := self._clock.take(now)) is not None:
                self._take(due, now)
            while self._dirty:
                key = min(self._dirty)
                self._dirty.discard(key)
                self._settle(key, now)
        return Simulated(happenings=tuple(self._told), notes=tuple(self._notes))

    def _take(self, what: Due, now: datetime) -> None:
        match what:
            case PushEvidence():
                self._heard.hear(what)
                self._offer(what, now)
            case ScanEvidence():
                self._heard.hear(what)
                self._touch(what.registry, what.repository)
            case Verdict():
                self._heed(what)
            case (key, live):
                self._finish(key, live, now)
            case str():
                self._dirty.add(what)

    def _touch(self, registry: str, repository: str) -> None:
        self._dirty |= {key for key in self._where[registry, repository] if self._apps[key].waiting}

    def _tell(self, at: datetime, what: What, policy: Policy, image: Image, because: str) -> None:
        self._told.append(Happening(at=at, what=what, policy=policy.key, image=image, because=because))

    def _offer(self, push: PushEvidence, now: datetime) -> None:
        """Put a push forward to every row about it."""
        image = Image(registry=push.registry, repository=push.repository, tag=push.tag, digest=push.digest)
        self._touch(push.registry, push.repository)
        for policy in self._rows.about(image):
            selection = policy.tags.select(image.tag)
            if policy.mode is Mode.OFF or not selection.selected:
                self._leave_out(policy, image, "its Mode is off" if policy.mode is Mode.OFF else selection.because, now)
                continue
            key = policy.app.app_key("", image.repository)
            app = self._apps[key]
            if app.has(policy, image):
                continue
            running = app.running.get(slot(policy, image))
            if running and running.digest == image.digest:
                self._tell(now, What.RUNS, policy, image, f"{running.tag or 'the digest'} is what runs")
                continue
            app.add(Candidate(policy=policy, image=image, pushed_at=push.pushed_at, offered_at=now))
            self._where[image.registry, image.repository].add(key)
            self._tell(now, What.TAKEN, policy, image, selection.because)
            self._dirty.add(key)

    def _leave_out(self, policy: Policy, image: Image, because: str, now: datetime) -> None:
        """Said once an image: registries repeat their events."""
        if (policy.key, image) not in self._left_out:
            self._left_out.add((policy.key, image))
            self._tell(now, What.LEFT_OUT, policy, image, because)

    def _settle(self, key: str, now: datetime) -> None:
        """Ask for everyone who waits for the app until nobody takes or leaves it any more."""
        app = self._apps[key]
        while any(self._judge(key, app, candidate, now) for candidate in app.ranked()):
            pass
        self._end(app, app.ranked()[MOST_WAITING:], f"{MOST_WAITING} greater images wait already", now)

    def _judge(self, key: str, app: SimulatedApp, candidate: Candidate, now: datetime) -> bool:
        """Ask its gates; whether it took or left the app, so that the others must be asked again."""
        finding = self._ask(app, candidate, now)
        match finding.answer:
            case Answer.CLOSED:
                app.waiting.remove(candidate)
                self._tell(now, What.REFUSED, candidate.policy, candidate.image, finding.because)
                return True
            case Answer.WAITING:
                self._wait(candidate, finding.because, now)
                self._ask_again(key, candidate, finding.ask_at, now)
                return False
            case Answer.OPEN:
                return self._open(key, app, candidate, now)

    def _ask(self, app: SimulatedApp, candidate: Candidate, now: datetime) -> Finding:
        finding = self._answer(app, candidate, now)
        if candidate.asked_at is not None or not asks(finding):
            return finding
        candidate.asked_at = now
        self._notes[Trust.PEOPLE] = None
        return self._answer(app, candidate, now)

    def _answer(self, app: SimulatedApp, candidate: Candidate, now: datetime) -> Finding:
        whole = evaluate(candidate.policy, candidate.image, self._facts(app, candidate), now)
        self._notes |= dict.fromkeys(_TAKEN[gate.gate] for gate in whole.children if gate.gate in _TAKEN)
        return assume(whole, _TAKEN)

    def _facts(self, app: SimulatedApp, candidate: Candidate) -> Facts:
        image = candidate.image
        return Facts(
            offered_at=candidate.offered_at,
            manifest=an_image(image.digest),
            tag_now=self._heard.tag_now(image),
            running=app.running.get(candidate.slot),
            scans=self._heard.scans(image),
            pushes=self._heard.pushes(image),
            quarantined=app.held.get(image.digest, ""),
            siblings=self._rows.rivals(candidate.policy, image),
            lanes=app.lanes,
            approvals=candidate.approvals,
            asked_at=candidate.asked_at,
            elsewhere=self._ends.elsewhere(candidate.policy, image, self._rows),
        )

    def _wait(self, candidate: Candidate, because: str, now: datetime) -> None:
        if candidate.told != because:
            candidate.told = because
            self._tell(now, What.WAITS, candidate.policy, candidate.image, because)

    def _ask_again(self, key: str, candidate: Candidate, at: datetime | None, now: datetime) -> None:
        if at is None or at <= now or at == candidate.next_ask:
            return
        if at > self._horizon or candidate.asks >= MOST_ASKS:
            self._notes[Trust.CUT] = None
            return
        candidate.asks, candidate.next_ask = candidate.asks + 1, at
        self._clock.put(at, key)

    def _open(self, key: str, app: SimulatedApp, candidate: Candidate, now: datetime) -> bool:
        """Its gates are open: it takes the app, unless another has it."""
        policy, image = candidate.policy, candidate.image
        if policy.mode is Mode.OBSERVE:
            app.waiting.remove(candidate)
            self._tell(now, What.WOULD_SHIP, policy, image, "every gate is open; the row only observes")
            self._end(app, app.lesser(candidate), f"{image.short} would have started", now)
            return True
        live = app.live
        if live is not None and not app.gives_way(candidate, now):
            self._wait(candidate, f"{live.candidate.image.short} has the app until {moment(live.ends)}", now)
            return False
        if live is not None:
            because = f"{image.short} is newer and may start"
            self._tell(now, What.SUPERSEDED, live.candidate.policy, live.candidate.image, because)
        app.waiting.remove(candidate)
        app.live = self._ends.outlook(candidate, now)
        self._clock.put(app.live.ends, (key, app.live))
        self._tell(now, What.SHIPS, policy, image, f"every gate is open; takes until {moment(app.live.ends)}")
        self._end(app, app.lesser(candidate), f"{image.short} started", now)
        return True

    def _end(self, app: SimulatedApp, superseded: Iterable[Candidate], because: str, now: datetime) -> None:
        for one in superseded:
            app.waiting.remove(one)
            self._tell(now, What.SUPERSEDED, one.policy, one.image, because)

    def _finish(self, key: str, live: Live, now: datetime) -> None:
        app, one = self._apps[key], live.candidate
        if app.live is not live:
            return  # it was superseded
        app.live = None
        self._dirty.add(key)
        self._tell(now, ENDS[live.outcome], one.policy, one.image, live.because)
        if live.outcome is Phase.PROMOTED:
            app.running[one.slot] = Pushed(tag=one.image.tag, digest=one.image.digest, pushed_at=one.pushed_at)
            self._ends.promoted(one.policy, one.image, now)
            self._touch(one.image.registry, one.image.repository)
        elif live.outcome in QUARANTINED:
            app.held[one.image.digest] = held(live.outcome, live.because, now)

    def _heed(self, verdict: Verdict) -> None:
        """A recorded end beside the simulated ones: of an image older than the history, or of one that was undone."""
        where = (verdict.registry, verdict.repository)
        image = Image(registry=where[0], repository=where[1], tag=verdict.tag, digest=verdict.digest)
        policy = self._rows.named(verdict.policy, image)
        if policy is None:
            return
        key = policy.app.app_key("", image.repository)
        app = self._apps[key]
        if app.live is not None and app.live.is_of(policy, image) and verdict.outcome is not Phase.PROMOTED:
            app.live = replace(app.live, outcome=verdict.outcome, because=as_recorded(verdict))
            self._finish(key, app.live, verdict.at)
        elif verdict.outcome is Phase.PROMOTED and not self._heard.pushes(image):
            app.running[slot(policy, image)] = Pushed(tag=image.tag, digest=image.digest)
            self._ends.promoted(policy, image, verdict.at)
            self._touch(*where)
        elif verdict.outcome in QUARANTINED and (undone := self._ends.undone(policy, verdict)):
            app.running.pop(slot(policy, undone), None)
            app.held[undone.digest] = held(verdict.outcome, as_recorded(verdict), verdict.at)
            because = f"after its promotion, {as_recorded(verdict)}"
            self._tell(verdict.at, ENDS[verdict.outcome], policy, undone, because)
            self._touch(*where)
