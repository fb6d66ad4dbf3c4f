"""Decisions as CloudEvents: what is said, to whom, how loudly, and what happens next by itself.

Pure. docs/webhooks.md is the reference of every field; an event is at most `MOST` bytes of JSON by construction,
however it is escaped.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

from delivery.message_data import Section, data, policy_name, stamp
from delivery.message_scene import Scene, cost, plain
from delivery.message_text import name_of, summary
from rollouts.decided import Said
from rollouts.model import Cause, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollouts.decided import Announce
    from rollouts.model import App, Rollout
    from rollouts.seen import AppSeen

MOST = 32 * 1024  # a string property of Table Storage holds 32 Ki characters
SCHEMA = "urn:weighbridge:message:1"
LONGEST_LINK = 1024
EVERYTHING = " all"
QUARANTINED = {Cause.CHECK_FAILED, Cause.ABORT_ORDERED, Cause.ROLLBACK_ORDERED}


def event(
    said: Announce,
    *,
    before: App,
    after: App,
    rollout: Rollout | None,
    app_id: str,
    seen: AppSeen | None,
    sequence: int,
    now: datetime,
    page: str,
) -> dict[str, object]:
    """One announcement as a structured CloudEvent, for every channel alike; see `with_channel`.

    before, after: the app's row around the decision. rollout: as decided; None: the message is about the app.
    seen: this tick's observation, None if not asked. sequence: from 1 within a rollout. page: "" for no links.
    """
    scene = Scene(said=said, before=before, after=after, rollout=rollout, app_id=app_id, seen=seen, now=now, page=page)
    return {
        "specversion": "1.0",
        "id": event_id(after.key, said.n, said.transition),
        "source": plain(app_id, 512),
        "type": f"Weighbridge.{said.said.value}",
        "subject": _subject(scene),
        "time": stamp(now),
        "datacontenttype": "application/json",
        "dataschema": SCHEMA,
        "sequence": f"{sequence:010d}",
        "traceparent": _traceparent(scene),
        "data": _data(scene),
    }


def event_id(app_key: str, n: int | None, transition: str) -> str:
    """The same edge always has the same id; n None: an edge of the app."""
    return _hash(app_key, "app" if n is None else str(n), transition)


def _traceparent(scene: Scene) -> str:
    """The distributed tracing extension of CloudEvents, as W3C Trace Context writes it: version, trace, span, sampled.

    One trace for a rollout, or for the app where it is about that, and one span for an edge, the same in every channel.
    """
    rollout, key = scene.rollout, scene.after.key
    span = event_id(key, scene.said.n, scene.said.transition)[:16]
    return f"00-{_hash(f'{key}/{rollout.n}' if rollout else key)}-{span}-01"


def with_channel(event: Mapping[str, object], channel: str) -> dict[str, object]:
    """The event as one channel gets it: with an id of its own, so that each receiver can tell repeats."""
    return {**event, "id": _hash(str(event["id"]), channel)}


def wanted(said: Said, notify: tuple[str, ...]) -> list[str]:
    """The names of the channels of a `Notify` cell that get this; `<name> all` gets everything."""
    names: dict[str, None] = {}
    for entry in notify:
        name = entry.strip().removesuffix(EVERYTHING).strip()
        if name and name != "none" and (entry.strip().endswith(EVERYTHING) or _told_to_all(said)):
            names[name] = None
    return list(names)


def _told_to_all(said: Said) -> bool:
    """Needs a person, or is the last word on an image; a healthy rollout says one thing."""
    match said:
        case Said.PAUSED | Said.APPROVAL_ASKED | Said.DRIFTED | Said.GATE_CLOSED:
            return True
        case Said.PROMOTED | Said.ROLLED_BACK | Said.REJECTED | Said.EXPIRED | Said.FAILED | Said.ABORTED:
            return True
        case Said.WOULD_HAVE:
            return True
        case Said.WAITING | Said.STARTED | Said.STEPPED | Said.RESUMED | Said.APPROVED | Said.ROLLING_BACK:
            return False
        case Said.SUPERSEDED | Said.HELD | Said.RELEASED | Said.PINNED | Said.FOREIGN_REVISION | Said.STABLE_ADOPTED:
            return False
        case Said.ORDER_REFUSED | Said.REPORTED | Said.RETRIED:
            return False


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _subject(scene: Scene) -> str:
    rollout = scene.rollout
    if rollout is None:
        return scene.app_name
    return f"{plain(rollout.image.repository, 256)}@{plain(policy_name(rollout), 160)}/{rollout.n}"


def _data(scene: Scene) -> Section:
    needs = _needs(scene)
    return {
        "summary": summary(scene),
        "because": plain(scene.said.because, 1200),
        "urgency": "action" if needs else _urgency(scene.said.said),
        "needs": needs,
        "mode": scene.mode.value if scene.mode else None,
        **data(scene),
        "next": _next(scene),
        "actor": _actor(scene.said),
        "links": _links(scene),
    }


def _actor(said: Announce) -> Section:
    return {
        "kind": said.actor.kind.value,
        "id": plain(said.actor.id, 160) or None,
        "name": plain(said.actor.name, 160) or None,
        "comment": plain(said.comment, 400) or None,
    }


def _urgency(said: Said) -> str:
    """How loudly, when nobody has to act."""
    match said:
        case Said.ROLLING_BACK | Said.ROLLED_BACK | Said.REJECTED | Said.EXPIRED | Said.FAILED | Said.ABORTED:
            return "attention"
        case Said.PAUSED | Said.APPROVAL_ASKED | Said.DRIFTED | Said.FOREIGN_REVISION | Said.ORDER_REFUSED:
            return "attention"
        case Said.GATE_CLOSED:
            return "attention"
        case Said.RETRIED | Said.PINNED:
            return "info"
        case Said.WAITING | Said.STARTED | Said.STEPPED | Said.RESUMED | Said.APPROVED | Said.PROMOTED:
            return "info"
        case Said.SUPERSEDED | Said.HELD | Said.RELEASED | Said.STABLE_ADOPTED | Said.WOULD_HAVE | Said.REPORTED:
            return "info"


def _needs(scene: Scene) -> Section | None:
    """Which orders end the wait for a person; null when the machine goes on by itself."""
    rollout, said = scene.rollout, scene.said.said
    if rollout is None:
        return None
    if said is Said.APPROVAL_ASKED:
        return _wait("approve", "abort") | _deadline(rollout)
    if said is Said.PAUSED and not (rollout.paused and rollout.paused.until):
        return _wait("resume", "promote", "rollback")
    if said is Said.DRIFTED and rollout.drift is not None:
        return _wait("resume", "promote", "leave")
    return None


def _wait(*verbs: str) -> Section:
    return {"who": "an operator", "verb": "|".join(verbs), "deadline": None, "then": None}


def _deadline(rollout: Rollout) -> Section:
    """An approval nobody gives in time rolls back; without `within` it waits for ever."""
    if rollout.plan is None:
        until = rollout.finding.ask_at if rollout.finding else None
        return {"deadline": stamp(until), "then": "expired"} if until else {}
    within = rollout.plan.steps[rollout.step].approve_within
    if within is None or rollout.asked_at is None:
        return {}
    return {"deadline": stamp(rollout.asked_at + within), "then": "rolled back"}


def _next(scene: Scene) -> Section | None:
    """What happens by itself, and when; null when nothing does."""
    rollout = scene.rollout
    if scene.said.said is Said.REPORTED:
        return None
    if rollout is None:
        hold = scene.after.hold if scene.said.said is Said.HELD else None
        return _then("the hold ends", hold.until) if hold and hold.until else None
    if scene.outcome is None and rollout.paused is not None:
        return _then("it goes on", rollout.paused.until) if rollout.paused.until else None
    if scene.outcome is None and rollout.drift is not None:
        return None
    return _by_phase(scene, rollout)


def _by_phase(scene: Scene, rollout: Rollout) -> Section | None:
    match scene.outcome or rollout.phase:
        case Phase.WAITING:
            at = rollout.finding.ask_at if rollout.finding else None
            return _then("its gates are asked again", at)
        case Phase.DEPLOYING:
            return _then("the canary gets its first weight once it is ready", None)
        case Phase.BAKING:
            return _after_bake(rollout)
        case Phase.ROLLING_BACK:
            return _then(f"{name_of(scene.previous)} gets everything back", None)
        case Phase.PROMOTED:
            return _retiring(scene)
        case Phase.ROLLED_BACK | Phase.ABORTED if rollout.cause in QUARANTINED:
            return _then("this digest is not tried again until a person releases it", None)
        case Phase.SUPERSEDED:
            return _then("the newer image is rolled out", None)
        case Phase.ROLLED_BACK | Phase.ABORTED | Phase.REJECTED | Phase.EXPIRED | Phase.FAILED:
            return None


def _after_bake(rollout: Rollout) -> Section | None:
    if rollout.plan is None:
        return None
    step = rollout.plan.steps[rollout.step]
    if step.until_approved and rollout.approved < rollout.step and rollout.asked_at is not None:
        return (
            _then("rolled back, if nobody approves", rollout.asked_at + step.approve_within)
            if step.approve_within
            else None
        )
    later = rollout.plan.steps[rollout.step + 1 :]
    due = rollout.verified_at + step.bake if rollout.verified_at else None
    return _then(f"{later[0].weight} %, if every check passes" if later else "promoted, if every check passes", due)


def _retiring(scene: Scene) -> Section | None:
    """The old revision is kept for the undo that is one write."""
    old = scene.previous.revision if scene.previous else ""
    due = next((entry.not_before for entry in scene.after.retire if old and entry.revision == old), None)
    return _then(f"{name_of(scene.previous)} is deactivated; until then the undo is one write", due) if due else None


def _then(what: str, at: datetime | None) -> Section:
    return {"what": what, "at": stamp(at)}


def _links(scene: Scene) -> Section:
    """Pages to read. No link acts: an action link is a bearer right. A link is whole or absent.

    logs: where "Open Logs" of Microsoft's Container Apps extension for VS Code leads (`<resource id>/logs`, beside
    `/logstream`); unlike the stream it also has the logs of a revision that no longer runs.
    """
    rollout, app = scene.rollout, f"https://portal.azure.com/#resource{quote(scene.app_id)}"
    links = {"app": app, "logs": f"{app}/logs"}
    if rollout is not None and scene.page:
        links["rollout"] = f"{scene.page}/rollouts/{quote(scene.after.key, safe='')}/{rollout.n}"
    if rollout is not None and rollout.plan is not None and rollout.plan.runbook.startswith("https://"):
        links["runbook"] = rollout.plan.runbook
    return {name: link for name, link in links.items() if link.isprintable() and cost(link) <= LONGEST_LINK}
