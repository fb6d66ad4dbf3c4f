"""Indexing the functions, which every cold start waits for, loads nothing that only their first run needs."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

import function_app
from tests.source import PRODUCT, ROOT

FREE = {  # what registering the triggers needs
    "function_app",
    *(
        "handlers",
        "handlers.acr_webhook",
        "handlers.answers",
        "handlers.api",
        "handlers.doctor",
        "handlers.events",
        "handlers.queues",
        "handlers.timers",
        "handlers.told",
    ),
    *("delivery", "delivery.errors", "delivery.names", "delivery.ports", "delivery.settings"),
}


def loaded(name: str) -> set[str]:
    """The modules a fresh interpreter holds after one import."""
    code = f"import json, sys, {name}; print(json.dumps(list(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(found.stdout))


@pytest.fixture(scope="module")
def more() -> set[str]:
    """The modules that function_app loads beside those of azure.functions."""
    return loaded("function_app") - loaded("azure.functions")


def test_of_the_product_only_the_triggers_are_loaded(more: set[str]) -> None:
    assert {name for name in more if name.partition(".")[0] in {*PRODUCT, "function_app"}} == FREE


@pytest.mark.parametrize("name", ["rollouts.model", "msgspec", "azure.core", "azure.data", "azure.identity", "aiohttp"])
def test_the_heavy_ones_wait_for_the_first_event(more: set[str], name: str) -> None:
    assert name not in more


def test_little_else_is_loaded(more: set[str]) -> None:
    assert len(more - FREE) <= 5, sorted(more - FREE)


@pytest.mark.parametrize("name", ["azure.core.pipeline.policies.http_logging_policy", "azure.identity"])
def test_the_sdks_log_no_request_where_the_host_logs_at_info(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert function_app.app is not None
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)
