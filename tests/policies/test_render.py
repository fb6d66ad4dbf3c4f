"""A finding tree as text and as JSON: every finding once, aligned, and one that was not asked never looks open."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from policies import render
from rollouts.findings import Answer, Finding

AT = datetime(2026, 11, 24, 10, 2, tzinfo=UTC)


def gate(name: str, answer: Answer, because: str, *children: Finding, ask_at: datetime | None = None) -> Finding:
    return Finding(gate=name, answer=answer, because=because, children=children, ask_at=ask_at)


TREE = gate(
    "gates",
    Answer.CLOSED,
    "scan: 1 critical, allowed 0",
    gate("tag", Answer.OPEN, "1.4.3 is taken by semver"),
    gate("manifest", Answer.OPEN, "not asked: taken to be an image"),
    gate(
        "scan", Answer.CLOSED, "1 critical, allowed 0", gate("trivy at 09:04 UTC", Answer.CLOSED, "1 critical\x1b[2J")
    ),
    gate("window", Answer.WAITING, "opens at 10:02 UTC", ask_at=AT),
)


def test_a_tree_is_aligned_and_says_when_it_is_asked_again():
    assert render.tree(TREE, not_asked={"manifest"}) == [
        "  ✓ tag                   1.4.3 is taken by semver",
        "  - manifest              not asked: taken to be an image",
        "  ✗ scan                  1 critical, allowed 0",
        "    ✗ trivy at 09:04 UTC  1 critical�[2J",
        "  … window                opens at 10:02 UTC (asked again 2026-11-24 10:02 UTC)",
    ]


def test_only_a_terminal_gets_colours():
    assert not any("\x1b" in line for line in render.tree(TREE))
    painted = render.tree(TREE, paint=True)
    assert painted[0].startswith("  \x1b[32m✓\x1b[0m tag")


def test_programs_get_every_finding_with_the_same_fields():
    found = render.finding(TREE)
    assert found["answer"] == "closed"
    assert [(one["gate"], one["ask_at"]) for one in found["children"]] == [  # type: ignore[attr-defined]  # a list
        ("tag", None),
        ("manifest", None),
        ("scan", None),
        ("window", "2026-11-24T10:02:00+00:00"),
    ]


_TREES = st.recursive(
    st.builds(gate, st.text(max_size=40), st.sampled_from(Answer), st.text(max_size=40)),
    lambda below: st.builds(
        lambda children: gate("g", Answer.OPEN, "b", *children), st.lists(below, min_size=1, max_size=4)
    ),
    max_leaves=20,
)


@given(_TREES)
def test_every_finding_below_the_root_is_one_line(tree):
    assert len(render.tree(tree)) == sum(1 for _ in tree.walk()) - 1
    assert all(line.isprintable() for line in render.tree(tree))


def test_a_deep_tree_needs_no_deep_stack():
    tree = gate("leaf", Answer.OPEN, "b")
    for _ in range(5000):
        tree = gate("g", Answer.OPEN, "b", tree)
    assert len(render.tree(tree)) == 5000
    assert render.finding(tree)["gate"] == "g"
