"""Images that wait: admitted from offers, judged by their gates, and started one at a time.

A waiting candidate holds nothing. It takes the app only from a row without open writes, when its gates are open,
nobody holds the app, and one revision can be said to be stable.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rollouts import traffic
from rollouts.checks import OF_REQUESTS
from rollouts.decided import Said
from rollouts.findings import Answer
from rollouts.model import App, Cause, Done, Lane, Mode, OnNewImage, Phase, Plan, Rollout, Stable
from rollouts.orders import Move
from rollouts.seen import AppSeen, CandidateSeen, Offer
from rollouts.turn import Turn

MOST_WAITING = 10
SUFFIX_DIGITS = 6


def admit(app: App, offers: tuple[Offer, ...], now: datetime) -> App:
    """Make a waiting rollout of every offer that is news to this app.

    Deduplicated by content: an image that is live, waiting, or already ended is no news, unless it was pushed again
    after that end, or its row was changed since and may think otherwise of it now. Event Grid and geo-replicas repeat
    themselves; people re-push on purpose.
    """
    for offer in offers:
        if _is_news(app, offer):
            n = app.counter + 1
            rollout = Rollout(
                n=n,
                image=offer.image,
                policy=offer.policy,
                offered_at=now,
                pushed_at=offer.pushed_at,
                attempt=1 + max((done.attempt for done in app.done if _same(done, offer)), default=0),
            )
            app = replace(app, counter=n, waiting=(*app.waiting, rollout))
    return app


def _is_news(app: App, offer: Offer) -> bool:
    present = (*app.waiting, app.live) if app.live else app.waiting
    if any(r.image.digest == offer.image.digest and r.policy == offer.policy for r in present):
        return False
    ended = [done for done in app.done if _same(done, offer)]
    if not ended:
        return True
    last = max(ended, key=lambda done: (done.at, done.n))
    pushed_again = not offer.listed and offer.pushed_at > last.at
    return pushed_again or _was_only_refused(last, offer)


def _was_only_refused(done: Done, offer: Offer) -> bool:
    """Whether it ended by what its row said then, and the row says something else now.

    A gate that closed, or a wait that ran out, is the row's word. So is giving way to a newer image: had the row not
    selected that one, this one would have gone on, and nothing was found wrong with it. Every other end is a verdict
    on the image, or a person's, and no edit of a row undoes those.
    """
    match done.phase:
        case Phase.REJECTED | Phase.SUPERSEDED:
            by_the_row = True
        case Phase.EXPIRED:
            by_the_row = not done.started
        case _:
            by_the_row = False
    known = done.policy_version and offer.policy_version
    return by_the_row and bool(known) and done.policy_version != offer.policy_version


def _same(done: Done, offer: Offer) -> bool:
    return (done.digest, done.tag, done.policy) == (offer.image.digest, offer.image.tag, offer.policy)


def suffix(rollout: Rollout) -> str:
    """The revision suffix: counted per app and never reused, with the digest's first digits for people."""
    return f"wb{rollout.n}-{rollout.image.digest.removeprefix('sha256:')[:SUFFIX_DIGITS]}"


def judge(turn: Turn) -> list[Move]:
    """Take note of every candidate's finding; answer the waiting rollouts that end, and the live one to supersede."""
    moves: list[Move] = []
    for candidate in turn.seen.candidates:
        rollout = turn.rollout(candidate.n)
        if rollout is None or rollout.phase is not Phase.WAITING or any(move.n == candidate.n for move in moves):
            continue
        if candidate.runs:
            turn.because.append(f"{rollout.image.short} runs already")
            turn.change(waiting=tuple(r for r in turn.app.waiting if r.n != candidate.n))
            continue
        finding = candidate.finding
        turn.put(
            replace(
                rollout,
                finding=finding,
                because=finding.because,
                policy_version=candidate.policy_version or rollout.policy_version,
                notify=candidate.notify,
                mode=candidate.mode,
                source_revision=candidate.source_revision or rollout.source_revision,
                source_url=candidate.source_url or rollout.source_url,
                pushed_by=candidate.pushed_by or rollout.pushed_by,
            )
        )
        _remember_lane(turn, rollout, candidate)
        match finding.answer:
            case Answer.CLOSED if turn.quiet:
                cause = Cause.LIMIT_PASSED if candidate.expired else Cause.GATE_CLOSED
                moves.append(Move(n=candidate.n, cause=cause, because=finding.because))
            case Answer.WAITING if candidate.asks:
                _ask(turn, candidate.n, finding.because)
            case Answer.WAITING:
                turn.say(Said.WAITING, finding.because, n=candidate.n)
            case Answer.OPEN if turn.arm and candidate.plan and candidate.plan.mode is Mode.OBSERVE:
                turn.say(Said.WOULD_HAVE, "every gate is open", n=candidate.n)
                moves += _rehearsed(turn, candidate)
            case Answer.OPEN | Answer.CLOSED:
                pass
    return moves + _too_many(turn, moves) + _supersede(turn)


def _rehearsed(turn: Turn, candidate: CandidateSeen) -> list[Move]:
    """What would have started ends the lesser images that only rehearse too, as a start does."""
    lesser = [turn.rollout(n) for n in candidate.lesser]
    greater = turn.rollout(candidate.n)
    because = f"{greater.image.short if greater else 'a newer image'} would have started"
    return [
        Move(n=r.n, cause=Cause.NEWER_IMAGE, because=because)
        for r in lesser
        if r is not None and r.phase is Phase.WAITING and r.mode is Mode.OBSERVE
    ]


def _ask(turn: Turn, n: int, because: str) -> None:
    """Only people are missing: ask them once, and count their time from now."""
    rollout = turn.rollout(n)
    if rollout is None or rollout.asked_at is not None:
        return
    turn.put(replace(rollout, asked_at=turn.now))
    turn.say(Said.APPROVAL_ASKED, because, n=n, transition="ask:start")


def _remember_lane(turn: Turn, rollout: Rollout, candidate: CandidateSeen) -> None:
    """Which row came to this container first, for the gate that keeps rows of other orders away from it."""
    if not candidate.order or any(lane.policy == rollout.policy for lane in turn.app.lanes):
        return
    lane = Lane(policy=rollout.policy, container=candidate.container, order=candidate.order)
    turn.change(lanes=(*turn.app.lanes, lane)[-MOST_WAITING:])


def _too_many(turn: Turn, leaving: list[Move]) -> list[Move]:
    gone = {move.n for move in leaving}
    ranked = [c.n for c in turn.seen.candidates if c.n not in gone]
    staying = [r.n for r in turn.app.waiting if r.n not in gone]
    # Whom the gates did not rank in this tick, as while rolling back, is ranked by when it came.
    surplus = sorted(staying, key=lambda n: (ranked.index(n) if n in ranked else len(ranked), -n))[MOST_WAITING:]
    word = {True: "greater", False: "newer"}
    return [
        Move(n=n, cause=Cause.NEWER_IMAGE, because=f"{MOST_WAITING} {word[n in ranked]} images wait already")
        for n in surplus
    ]


def _supersede(turn: Turn) -> list[Move]:
    live = turn.app.live
    if live is None or live.plan is None or live.phase not in (Phase.DEPLOYING, Phase.BAKING):
        return []
    if live.plan.on_new_image is not OnNewImage.SUPERSEDE or turn.app.hold or live.drift or live.fast:
        return []
    if _carries_everything(turn, live):
        return []
    for candidate in turn.seen.candidates:
        newer = turn.rollout(candidate.n)
        if newer and candidate.beats and _may_start(candidate):
            return [Move(n=live.n, cause=Cause.NEWER_IMAGE, because=f"{newer.image.short} is newer and may start")]
    return []


def _carries_everything(turn: Turn, live: Rollout) -> bool:
    """Whether the canary has, or may already have been given, all the traffic: then it finishes first."""
    at_whole = live.phase is Phase.BAKING and live.plan is not None
    planned = at_whole and live.plan is not None and live.plan.steps[live.step].weight == traffic.WHOLE
    return planned or (turn.arm is not None and traffic.weights(turn.arm).get(live.canary) == traffic.WHOLE)


def _may_start(candidate: CandidateSeen) -> bool:
    return candidate.finding.answer is Answer.OPEN and candidate.plan is not None and candidate.plan.mode is Mode.ON


def start(turn: Turn) -> list[Move]:
    """Let the greatest candidate whose gates are open take a free app; answer who gives way to it."""
    if turn.app.live or not turn.quiet or turn.app.hold or turn.arm is None:
        return []
    for candidate in turn.seen.candidates:
        rollout = turn.rollout(candidate.n)
        if rollout is None or rollout.phase is not Phase.WAITING or not _may_start(candidate):
            continue
        return _start(turn, rollout, candidate, turn.arm)
    return []


def _start(turn: Turn, rollout: Rollout, candidate: CandidateSeen, arm: AppSeen) -> list[Move]:
    plan = candidate.plan
    if plan is None:
        return []
    if refused := _unfit(turn.app, arm, plan):
        return [Move(n=rollout.n, cause=Cause.GATE_CLOSED, because=refused)]
    found = traffic.stable(arm)
    if isinstance(found, traffic.Split):
        because = f"{found.because}; it starts once one revision has 100 %"
        turn.put(replace(rollout, because=because))
        turn.say(Said.WAITING, because, n=rollout.n, transition="split")
        return []
    because = _take(turn, rollout, candidate, plan, found)
    lesser = [turn.rollout(n) for n in candidate.lesser]
    newer = f"{rollout.image.short} started"
    return [
        Move(n=rollout.n, cause=Cause.GATES_OPEN, because=because),
        *(Move(n=r.n, cause=Cause.NEWER_IMAGE, because=newer) for r in lesser if r and r.phase is Phase.WAITING),
    ]


def _unfit(app: App, arm: AppSeen, plan: Plan) -> str:
    """Why this app cannot be rolled out to like this; "" when it can."""
    group, name = app.key.split("|")[4], app.key.split("|")[-1]
    if arm.sticky:
        return (
            "the app keeps sessions on one replica, which Container Apps does in Single revision mode only; run `az "
            f"containerapp ingress sticky-sessions set -g {group} -n {name} --affinity none`, and push again"
        )
    if not arm.multiple:
        return (
            f"the app is in Single revision mode; run `az containerapp revision set-mode -g {group} -n {name} --mode "
            f"multiple`, then pin the running revision with `az containerapp ingress traffic set -g {group} -n {name} "
            f"--revision-weight {arm.latest_ready}=100`, and push again"
        )
    if arm.ingress and plan.replace:
        return "Steps is `replace`, which is for apps without ingress; this one has ingress: give it percent steps"
    if not arm.ingress and not plan.replace:
        return "the app has no ingress, so it cannot take a share of requests; set Steps to `replace`"
    if arm.tcp and any(check.kind in OF_REQUESTS for check in plan.checks):
        return "the app's ingress is TCP, which has no requests to count or send; give its row Checks: `restarts == 0`"
    return ""


def _take(turn: Turn, rollout: Rollout, candidate: CandidateSeen, plan: Plan, found: Stable | None) -> str:
    """Put the rollout on the app with its plan frozen; answer the because of its start."""
    known = turn.app.stable
    if found is not None and known is not None and known.revision.lower() == found.revision.lower():
        found = known
    elif found is not None and known is not None:
        found = replace(found, released=known.released)
        because = f"{found.revision} carries the traffic instead of {known.revision}; it is the stable now"
        turn.say(Said.STABLE_ADOPTED, because, transition=f"adopted:{turn.loaded.seq}")
    plan = plan if found is not None else replace(plan, steps=(replace(plan.steps[-1], weight=traffic.WHOLE),))
    because = candidate.finding.because
    if found is None:
        because += "; no revision was ever ready, so there is nothing to return to"
    app_name = turn.app.key.rsplit("|", 1)[-1]
    turn.change(
        stable=found,
        waiting=tuple(r for r in turn.app.waiting if r.n != rollout.n),
        live=replace(
            rollout,
            plan=plan,
            policy_version=candidate.policy_version,
            container=candidate.container,
            stable=found,
            canary=f"{app_name}--{suffix(rollout)}",
            started_at=turn.now,
            asked_at=None,
            seen=traffic.weights(turn.arm) if turn.arm else None,
        ),
    )
    return because
