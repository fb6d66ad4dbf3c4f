"""What an order means, given how the app is: which rollout, which image, and at which step it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.rollout_text import doing, image, short
from rollouts.seen import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.service import Json

OF_ROLLOUTS = (Verb.PAUSE, Verb.RESUME, Verb.APPROVE, Verb.ABORT, Verb.PROMOTE, Verb.ROLLBACK, Verb.LEAVE)
_MEANS: Mapping[Verb, str] = {
    Verb.PAUSE: "nothing rises until it is resumed; checks go on, and a bad number still rolls back",
    Verb.RESUME: "it goes on, and the weights are set to its step again",
    Verb.APPROVE: "your yes to this image at this step",
    Verb.ABORT: "the canary goes to 0 % and its digest into quarantine",
    Verb.PROMOTE: "it gets 100 % now; the bakes that are left are waived",
    Verb.ROLLBACK: "the stable revision gets everything back, in one write",
    Verb.LEAVE: "the rollout ends, and the traffic stays as a person set it",
    Verb.HOLD: "nothing starts or rises in this app until it is released",
    Verb.RETRY: "a new attempt, without a new push and out of quarantine",
    Verb.PIN: "nothing else starts or rises until release",
    Verb.UNDO: "the revision before has everything back in one write, and the digest goes into quarantine",
}


class Unclear(Exception):
    """Nothing, or more than one thing, that the order could mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The order as it is sent, and as a person reads it. means: what comes of it."""

    body: Mapping[str, object]
    says: str
    means: str


def fill(verb: str, app: Json, *, n: int | None, digest: str) -> Filled:
    """The order, from the service's answer of the app. Raises `Unclear`; KeyError and others for no such answer."""
    match Verb(verb):
        case Verb.HOLD:
            return Filled(body={}, says="hold the app", means=_MEANS[Verb.HOLD])
        case Verb.RELEASE:
            return _release(app, digest)
        case Verb.UNDO:
            return _of_image(Verb.UNDO, _stable(app), app)
        case Verb.PIN:
            return _of_image(Verb.PIN, _one(digest, _known(app), "pin") if digest else _stable(app), app)
        case Verb.RETRY:
            ended = {done["digest"]: "" for done in reversed(app["done"]) if done["phase"] != "promoted"}
            if not ended and not digest:
                raise Unclear("retry: expected an image that ended without being promoted, found none")
            return _of_image(Verb.RETRY, _one(digest, _known(app), "retry") if digest else next(iter(ended)), app)
        case of_rollout:
            return _of_rollout(of_rollout, app, n, digest)


def _of_rollout(verb: Verb, app: Json, n: int | None, digest: str) -> Filled:
    there = [*([app["live"]] if app["live"] else []), *app["waiting"]]
    meant = [r for r in there if n in (None, r["n"]) and str(r["digest"]).startswith(digest)]
    # The one that holds the app is meant, unless its number or image says otherwise.
    if app["live"] and app["live"] in meant:
        meant = [app["live"]]
    if len(meant) != 1:
        numbers = ", ".join(f"{r['n']} ({r['image']})" for r in meant or there) or "none"
        expected = "one of these by --n" if meant else "a rollout that waits or is under way"
        raise Unclear(f"{verb}: expected {expected}, found {numbers}")
    rollout = meant[0]
    body = {"n": rollout["n"], "digest": rollout["digest"], "step": rollout["step"]}
    says = f"{verb} rollout {rollout['n']} of {image(rollout)}, {doing(rollout)}"
    return Filled(body=body, says=says, means=_MEANS[verb])


def _release(app: Json, digest: str) -> Filled:
    if digest:
        held = {str(one["digest"]): str(one["because"]) for one in app["quarantine"]}
        found = _one(digest, held, "release")
        says = f"release {short(found)} from quarantine, where it is because {held[found]}"
        return Filled(body={"digest": found}, says=says, means="it may be offered again by a push or retry")
    return Filled(body={}, says="release the app", means="what holds or pins it is gone: images start again")


def _of_image(verb: Verb, digest: str, app: Json) -> Filled:
    tag = next((f"{done['tag']} " for done in reversed(app["done"]) if done["digest"] == digest), "")
    what = f"{verb} {tag}({short(digest)})" if tag else f"{verb} {short(digest)}"
    return Filled(body={"digest": digest}, says=what, means=_MEANS[verb])


def _stable(app: Json) -> str:
    digest = str((app["stable"] or {}).get("digest") or "")
    if not digest:
        raise Unclear("expected an image that is recorded as stable, found none")
    return digest


def _known(app: Json) -> Mapping[str, str]:
    """Every digest that this app's answer names."""
    rollouts = [*([app["live"]] if app["live"] else []), *app["waiting"], *app["done"], *app["quarantine"]]
    stable = [app["stable"]] if app["stable"] and app["stable"].get("digest") else []
    return {str(one["digest"]): "" for one in [*rollouts, *stable]}


def _one(digest: str, known: Mapping[str, str], verb: str) -> str:
    """The one digest that begins so."""
    start = digest.removeprefix("sha256:")
    found = [one for one in known if one.removeprefix("sha256:").startswith(start)]
    if len(found) != 1:
        there = ", ".join(map(short, found or known)) or "none"
        expected = "more of the digest" if found else "a digest of this app"
        raise Unclear(f"{verb}: --digest: expected {expected}, found {there}")
    return found[0]
