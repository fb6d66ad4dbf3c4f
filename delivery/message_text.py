"""The first line of every message: what happened, to which image and app, and what users have now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from delivery.message_exposure import exposure
from delivery.message_scene import Scene, clip, plain
from rollouts.decided import Said
from rollouts.model import ActorKind, Mode

if TYPE_CHECKING:
    from datetime import datetime

    from rollouts.model import Stable, Weights

SUMMARY = 600  # bytes of JSON
NAMED = 4  # revisions named in a sentence
WATCHING = "Only watching: nothing was changed."
HEADLINES = {
    Said.WAITING: ("WAITING", "WOULD WAIT"),
    Said.STARTED: ("STARTED", "WOULD HAVE STARTED"),
    Said.STEPPED: ("STEPPED", "WOULD HAVE STEPPED"),
    Said.PAUSED: ("PAUSED", "WOULD HAVE PAUSED"),
    Said.RESUMED: ("RESUMED", "WOULD HAVE RESUMED"),
    Said.APPROVAL_ASKED: ("APPROVE?", "WOULD HAVE ASKED FOR APPROVAL"),
    Said.APPROVED: ("APPROVED", "WOULD HAVE GONE ON"),
    Said.DRIFTED: ("DRIFTED", "WOULD HAVE SEEN DRIFT"),
    Said.ROLLING_BACK: ("ROLLING BACK", "WOULD HAVE BEGUN ROLLING BACK"),
    Said.PROMOTED: ("PROMOTED", "WOULD HAVE PROMOTED"),
    Said.ROLLED_BACK: ("ROLLED BACK", "WOULD HAVE ROLLED BACK"),
    Said.SUPERSEDED: ("SUPERSEDED", "WOULD HAVE SUPERSEDED"),
    Said.REJECTED: ("NOT SHIPPED", "WOULD NOT HAVE SHIPPED"),
    Said.EXPIRED: ("EXPIRED", "WOULD HAVE EXPIRED"),
    Said.ABORTED: ("ABORTED", "WOULD HAVE ABORTED"),
    Said.FAILED: ("FAILED", "WOULD HAVE FAILED"),
    Said.HELD: ("HELD", "WOULD HAVE HELD"),
    Said.RELEASED: ("RELEASED", "WOULD HAVE RELEASED"),
    Said.RETRIED: ("RETRIED", "WOULD HAVE RETRIED"),
    Said.PINNED: ("PINNED", "WOULD HAVE PINNED"),
    Said.GATE_CLOSED: ("GATE CLOSED", "WOULD HAVE STOPPED RISING"),
    Said.FOREIGN_REVISION: ("FOREIGN REVISION", "FOREIGN REVISION"),
    Said.STABLE_ADOPTED: ("STABLE ADOPTED", "WOULD HAVE ADOPTED"),
    Said.ORDER_REFUSED: ("ORDER REFUSED", "ORDER REFUSED"),
    Said.REPORTED: ("REPORTED", "WOULD HAVE REPORTED"),
    Said.WOULD_HAVE: ("STARTED", "WOULD HAVE STARTED"),
}


def summary(scene: Scene) -> str:
    """Line 1, plain text: it stands alone in a list of messages."""
    did, would = _headline(scene)
    if scene.mode is Mode.OBSERVE:
        return clip(f"{would}  {_subject(scene)}. {WATCHING}", SUMMARY)
    return clip(f"{did}  {_subject(scene)}. {_fact(scene)}".rstrip(), SUMMARY)


def when(time: datetime) -> str:
    """A time for people."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def lasted(span: timedelta) -> str:
    """A duration for people, in its two largest units."""
    seconds = max(0, round(span.total_seconds()))
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{rest} s"


def name_of(stable: Stable | None) -> str:
    """Name of what the users had before: its tag when we put it there, else its revision."""
    if stable is None:
        return "the old revision"
    return plain(stable.tag or stable.revision, 160)


def _subject(scene: Scene) -> str:
    if scene.rollout is None:
        return scene.app_name
    return f"{plain(scene.rollout.image.short, 260)} → {scene.app_name}"


def _headline(scene: Scene) -> tuple[str, str]:
    """What was done, and how it is said when the policy only observes."""
    did, would = HEADLINES[scene.said.said]
    weighed = (
        scene.said.said in {Said.STEPPED, Said.PAUSED, Said.RESUMED, Said.GATE_CLOSED} and scene.weight is not None
    )
    return (f"{did} at {scene.weight} %" if weighed else did), would


def _fact(scene: Scene) -> str:  # noqa: C901, PLR0912 - one flat line per announcement, exhaustive
    """What users have now, or who must act; one or two short sentences."""
    match scene.said.said:
        case Said.WAITING:
            return "Nothing changes until its gates open."
        case Said.REJECTED | Said.EXPIRED | Said.FAILED | Said.ABORTED | Said.SUPERSEDED:
            return _not_shipped(scene)
        case Said.STARTED:
            return f"Its revision is made without traffic; {name_of(scene.previous)} serves meanwhile."
        case Said.STEPPED | Said.RESUMED:
            return _others(scene)
        case Said.PAUSED:
            return f"{_others(scene)} {_pause(scene)}".strip()
        case Said.APPROVAL_ASKED:
            share = f"It has {scene.weight} % and is checked all the time. " if scene.weight is not None else ""
            return f"{share}It goes no further until a person approves."
        case Said.APPROVED:
            return f"{_by(scene)}; it goes on."
        case Said.DRIFTED:
            return _drift(scene)
        case Said.ROLLING_BACK:
            return "" if scene.previous is None else f"{name_of(scene.previous)} is getting everything back."
        case Said.PROMOTED:
            return _promoted(scene)
        case Said.ROLLED_BACK:
            return _returned(scene)
        case Said.HELD:
            until = scene.after.hold.until if scene.after.hold else None
            return f"{_by(scene)}; nothing starts or rises until {when(until) if until else 'it is released'}."
        case Said.RELEASED:
            return f"{_by(scene)}."
        case Said.PINNED:
            tag = scene.after.pin.tag if scene.after.pin else ""
            return f"{_by(scene)}; nothing but {plain(tag, 160) or 'that image'} starts or rises until it is released."
        case Said.RETRIED:
            return f"{_by(scene)}; it waits for its gates as if it were pushed now."
        case Said.GATE_CLOSED:
            return f"{_others(scene)} Nothing rises until the gate opens.".strip()
        case Said.FOREIGN_REVISION:
            return "Someone else made a revision; it gets no weight from here and is never deactivated."
        case Said.STABLE_ADOPTED:
            return f"{name_of(scene.after.stable)} is what users have; someone else put it there."
        case Said.ORDER_REFUSED:
            return f"{_by(scene)}; nothing was changed."
        case Said.WOULD_HAVE:
            return WATCHING
        case Said.REPORTED:
            return _harm(scene)


def _by(scene: Scene) -> str:
    actor = scene.said.actor
    match actor.kind:
        case ActorKind.PERSON:
            return f"By {plain(actor.name or actor.id, 120) or 'a person'}"
        case ActorKind.POLICY:
            return "By its policy"
        case ActorKind.PLATFORM:
            return "By Azure"


def _shares(weights: Weights) -> str:
    named = [f"{plain(name, 64)} {weight} %" for name, weight in list(weights.items())[:NAMED]]
    more = [f"… {len(weights) - NAMED} more"] if len(weights) > NAMED else []
    return ", ".join(named + more)


def _others(scene: Scene) -> str:
    """The share that stays with what the users had; said only when it was seen."""
    stable = scene.previous
    weights = scene.said.after if scene.said.after is not None else scene.live
    if stable is None or weights is None or stable.revision not in weights:
        return ""
    return f"{name_of(stable)} has {weights[stable.revision]} %."


def _pause(scene: Scene) -> str:
    paused = scene.rollout.paused if scene.rollout else None
    if paused is not None and paused.until is not None:
        return f"Goes on by itself at {when(paused.until)}."
    return "A person must decide."


def _drift(scene: Scene) -> str:
    rollout = scene.rollout
    weights = rollout.drift.weights if rollout and rollout.drift else scene.live
    now = f"Live traffic is {_shares(weights)}; " if weights else ""
    if rollout is not None and rollout.drift is not None:
        return f"{now}nothing is written until a person decides."
    return f"{now}{'it stays so' if rollout and rollout.left is not None else 'it is set back'}."


def _promoted(scene: Scene) -> str:
    rollout = scene.rollout
    if rollout is None:
        return ""
    share = "It has replaced the old revision" if rollout.plan and rollout.plan.replace else "It has 100 %"
    if rollout.started_at is None:
        return f"{share}."
    return f"{share}; took {lasted((rollout.finished_at or scene.now) - rollout.started_at)}."


def _returned(scene: Scene) -> str:
    if scene.previous is None:
        return "There was nothing to return to."
    replaced = scene.rollout is not None and scene.rollout.plan is not None and scene.rollout.plan.replace
    return f"{name_of(scene.previous)} {'runs again' if replaced else 'has 100 % again'}."


def _harm(scene: Scene) -> str:
    """What the users of an ended canary met."""
    met = exposure(scene, scene.rollout) if scene.rollout else None
    if met is None or met.counts is None:
        return "What its users met could not be counted."
    counted = f"{met.counts.errors:,} of {met.counts.requests:,} requests failed"
    span = f"in {lasted(timedelta(seconds=met.seconds))} at up to {met.peak} %"
    return f"{'' if met.complete else 'At least '}{counted} {span}."


def _not_shipped(scene: Scene) -> str:
    """What users have after an image that did not reach 100 %."""
    rollout = scene.rollout
    newer = "A newer image takes its place. " if scene.said.said is Said.SUPERSEDED else ""
    if rollout is not None and rollout.left is not None:
        return f"{newer}Traffic stays as a person set it: {_shares(rollout.left)}."
    return newer + (_returned(scene) if scene.exposed else "Users saw nothing of it.")
