"""What explains is cut wherever it stands; what names something never is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from delivery.bounds import CUT, ROOMS, bounded

LONG = "x" * 1000
SHORT = LONG[: ROOMS[0].text] + CUT


@dataclass(frozen=True, kw_only=True)
class Leaf:
    because: str = LONG
    key: str = LONG


@dataclass(frozen=True, kw_only=True)
class Tree:
    leaf: Leaf | None = None
    leaves: tuple[Leaf, ...] = ()
    named: dict[str, Leaf] | None = None
    weight: int = 1


@pytest.mark.parametrize(
    ("tree", "cut"),
    [
        (Tree(leaf=Leaf()), Tree(leaf=Leaf(because=SHORT))),
        (Tree(leaves=(Leaf(), Leaf())), Tree(leaves=(Leaf(because=SHORT),) * 2)),
        (Tree(named={LONG: Leaf()}), Tree(named={LONG: Leaf(because=SHORT)})),
    ],
)
def test_explanations_are_cut_in_members_lists_and_tables_and_keys_are_not(tree: Tree, cut: Tree) -> None:
    assert bounded(tree) == cut


def test_what_is_short_enough_is_not_made_anew() -> None:
    tree = Tree(leaf=Leaf(because="short"), leaves=(Leaf(because="short"),))

    assert bounded(tree) is tree
