from __future__ import annotations

from rollouts.diagram import OUTCOMES, as_mermaid
from rollouts.machine import ENDED, TRANSITIONS
from tests.source import text


def test_the_page_shows_the_table_as_it_is() -> None:
    assert f"```mermaid\n{as_mermaid()}\n```" in text("docs/architecture.md")


def test_every_move_is_drawn() -> None:
    lines = as_mermaid().splitlines()

    for (before, cause), after in TRANSITIONS.items():
        arrow = next(line for line in lines if line.strip().startswith(f"{before} --> {after}: "))
        assert cause.replace("_", " ") in arrow.partition(": ")[2].split(", ")


def test_an_outcome_is_a_phase_that_nothing_leaves() -> None:
    assert set(OUTCOMES) == set(ENDED)
