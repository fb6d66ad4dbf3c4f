"""How rollouts of a simulation end: as it was recorded, else well; and what that means for rows that come after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from policies.facts import Elsewhere
from policies.happenings import What
from policies.history import Entry, Verdict
from policies.model import Policy
from policies.offline import before
from policies.render import moment
from policies.simulated_app import Candidate, Live
from policies.simulated_rows import Rows
from rollouts.model import Image, Phase

ENDS: Mapping[Phase, What] = {
    Phase.PROMOTED: What.PROMOTED,
    Phase.ROLLED_BACK: What.ROLLED_BACK,
    Phase.FAILED: What.FAILED,
    Phase.ABORTED: What.ABORTED,
}
QUARANTINED = (Phase.ROLLED_BACK, Phase.ABORTED)
SERVED = "every bake is served"


class Ends:
    """What was recorded, and what has been promoted so far."""

    def __init__(self, history: Iterable[Entry]) -> None:
        self._recorded: dict[tuple[str, str, str], Verdict] = {}
        self._there: dict[tuple[str, str], Elsewhere] = defaultdict(Elsewhere)
        self._images: dict[tuple[str, str], Image] = {}
        for entry in history:
            if isinstance(entry, Verdict):
                where = f"{entry.registry}/{entry.repository}"
                self._recorded.setdefault((entry.policy, where, entry.digest), entry)

    def outlook(self, candidate: Candidate, now: datetime) -> Live:
        """A rollout that starts now. A bad end recorded outside its bakes is taken to come when they are served."""
        policy, image = candidate.policy, candidate.image
        recorded = self._recorded.get((policy.name, f"{image.registry}/{image.repository}", image.digest))
        ends, outcome, because = now + policy.takes, Phase.PROMOTED, SERVED
        if recorded is not None and recorded.outcome is not Phase.PROMOTED:
            ends = recorded.at if now < recorded.at < ends else ends
            outcome, because = recorded.outcome, as_recorded(recorded)
        whole = now + sum((step.bake for step in policy.plan.steps[:-1]), timedelta())
        return Live(candidate=candidate, ends=ends, whole_at=whole, outcome=outcome, because=because)

    def promoted(self, policy: Policy, image: Image, at: datetime) -> None:
        """Its rollout ended well."""
        self._there[policy.key, image.digest] = Elsewhere(promoted_at=at)
        self._images[policy.key, image.digest] = image

    def undone(self, policy: Policy, verdict: Verdict) -> Image | None:
        """Take a promotion back; the image as it was promoted, None when it was not."""
        where = (policy.key, verdict.digest)
        said = f"{ENDS[verdict.outcome]} at {moment(verdict.at)}"
        self._there[where] = Elsewhere(promoted_at=self._there[where].promoted_at, revoked=said)
        return self._images.pop(where, None)

    def elsewhere(self, policy: Policy, image: Image, rows: Rows) -> dict[str, Elsewhere]:
        """What became of the digest by the rows that this one's After names."""
        named = {name: rows.named(name, image) for name in before(policy)}
        return {name: self._there[row.key, image.digest] for name, row in named.items() if row}


def as_recorded(verdict: Verdict) -> str:
    """The because of an end that the history has."""
    return f"as recorded{f': {verdict.because}' if verdict.because else ''}"


def held(outcome: Phase, because: str, at: datetime) -> str:
    """Why a digest is in quarantine."""
    return f"in quarantine: {ENDS[outcome]} at {moment(at)}, {because}"
