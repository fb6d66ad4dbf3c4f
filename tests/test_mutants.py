"""`make mutants` breaks what it was asked to, and judges a room by the room's own tests."""

from __future__ import annotations

from scripts import mutants
from tests.source import ROOT


def test_a_folder_is_all_of_its_modules_and_a_file_is_itself():
    room = mutants.modules(["policies"])
    assert {"policies/evaluate.py", "policies/scans/trivy.py"} <= set(room)
    assert not [name for name in room if name.endswith("__init__.py")]
    assert mutants.modules(["rollouts/traffic.py"]) == ["rollouts/traffic.py"]


def test_a_room_is_judged_by_its_own_tests():
    assert mutants.tests_of(["policies/scans/trivy.py", "policies/evaluate.py"]) == ["tests/policies"]
    assert mutants.tests_of(["rollouts/bets.py", "delivery/tick.py"]) == ["tests/delivery", "tests/rollouts"]
    assert [room for room in mutants.ROOMS if not (ROOT / "tests" / room).is_dir()] == []


def test_what_is_broken_by_default_is_there():
    assert [name for name in mutants.MUTATED if not (ROOT / name).is_file()] == []
