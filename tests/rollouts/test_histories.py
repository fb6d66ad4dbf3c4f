"""Whatever happens to a rollout, DESIGN 4 holds: random histories, judged from outside."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import event, given
from hypothesis import strategies as st

from rollouts.model import Phase
from tests.rollouts.histories import History, Script, write

SEEDED = 100


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    return write(lambda options: draw(st.sampled_from(options)))


@given(scripts())
def test_no_history_breaks_an_invariant(script: Script) -> None:
    history = History(script=script)

    for phase in set(history.play()):
        event(phase.value)


def test_the_histories_reach_every_outcome() -> None:
    """A seeded sample: an oracle that never sees an outcome proves nothing about it."""
    reached: Counter[Phase] = Counter()
    for seed in range(SEEDED):
        history = History(script=write(Random(seed).choice))  # noqa: S311 - a repeatable sample, no secret
        reached.update(history.play())

    expected = {p for p in Phase if p not in (Phase.WAITING, Phase.DEPLOYING, Phase.BAKING, Phase.ROLLING_BACK)}
    assert {phase for phase in expected if not reached[phase]} == set(), reached
