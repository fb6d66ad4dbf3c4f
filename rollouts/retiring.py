"""Retiring is a duty of the app, not a phase: a tick with nothing else to write deactivates one revision due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from rollouts import traffic, writes
from rollouts.decided import Deactivate
from rollouts.model import Retire, WriteKind
from rollouts.seen import AppSeen
from rollouts.turn import Turn

MOST = 20  # wait at once: the row is bounded, and so are an app's active revisions


def later(turn: Turn, revision: str, wait: timedelta) -> None:
    """Have a revision retired after `wait`; of more than MOST the oldest are due now."""
    entries = (*turn.app.retire, Retire(revision=revision, not_before=turn.now + wait))
    surplus, kept = entries[:-MOST], entries[-MOST:]
    hurried = tuple(replace(entry, not_before=min(entry.not_before, turn.now)) for entry in surplus)
    turn.change(retire=(*hurried, *kept))


def retire(turn: Turn) -> None:
    """Drop the entries that are done with, and deactivate the first that is due if nothing forbids it."""
    arm = turn.arm
    if turn.gone:
        turn.change(retire=())
    if arm is None or not turn.app.retire:
        return
    turn.change(retire=tuple(entry for entry in turn.app.retire if not _over(turn, arm, entry)))
    if turn.write is not None or not turn.quiet:
        return
    for entry in turn.app.retire:
        revision = arm.revision(entry.revision)
        if revision is None or turn.now < entry.not_before or _spoken_for(turn, entry.revision):
            continue
        if writes.may_send(turn, WriteKind.DEACTIVATE, revision=revision.name, urgent=False):
            writes.intend(turn, Deactivate(revision=revision.name))
        return


def _over(turn: Turn, arm: AppSeen, entry: Retire) -> bool:
    """Gone or inactive already, or, once due, given weight or a label by someone: theirs now."""
    revision = arm.revision(entry.revision)
    if revision is None or not revision.active:
        return True
    if turn.now < entry.not_before:
        return False
    labelled = any(e.label and e.revision.lower() == entry.revision.lower() for e in arm.traffic)
    return labelled or entry.revision in traffic.weights(arm) or _spoken_for(turn, entry.revision)


def _spoken_for(turn: Turn, name: str) -> bool:
    """Stable, or in the hands of the rollout that holds the app."""
    live = turn.app.live
    held = {live.canary, live.stable.revision if live.stable else ""} if live else set()
    return name in held or (turn.app.stable is not None and turn.app.stable.revision == name)
