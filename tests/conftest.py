"""How long the generated tests run: a repeatable sample, or `make fuzz`'s long search."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(__file__).parents[1] / ".work" / "hypothesis")

# How fast this machine is decides no test: neither a slow example nor a slow generator is a failure.
settings.register_profile("base", deadline=None, suppress_health_check=[HealthCheck.too_slow])
BASE = settings.get_profile("base")
settings.register_profile("default", BASE, max_examples=60, derandomize=True)
settings.register_profile("mutants", BASE, max_examples=20, derandomize=True)
settings.register_profile("fuzz", BASE, max_examples=20_000, print_blob=True)
settings.load_profile("fuzz" if os.environ.get("WEIGHBRIDGE_FUZZ") else "default")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the fuzzers counted and measured, after the long search."""
    if not os.environ.get("WEIGHBRIDGE_FUZZ"):
        return
    told: dict[str, list[Any]] = {"fuzzed": [], "inputs": [], "grown": []}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, said in report.user_properties if report.when == "call" else ():
            told.setdefault(name, []).append(said)
    for line in told["fuzzed"]:
        terminalreporter.write_line(str(line))
    if told["inputs"]:
        count, (took, target) = sum(each[0] for each in told["inputs"]), max(each[1:] for each in told["inputs"])
        terminalreporter.write_line(f"{len(told['inputs'])} targets, {count} inputs, worst {took:.1f} ms: {target}")
    if told["grown"]:
        (ratio, target), took = max(each[:2] for each in told["grown"]), max(each[2] for each in told["grown"])
        terminalreporter.write_line(f"four times the size: at most x {ratio:.1f}: {target}; worst {took:.1f} ms")
