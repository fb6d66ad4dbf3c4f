"""What `adopt` prints for who would rather do it by hand: the one write, and two commands where two are needed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from cli.adopt import _by_hand
from cli.azure_app import API_VERSION, AzureApp
from cli.preflight import inspect
from tests.cli.test_preflight import READY, an_app, ingress

if TYPE_CHECKING:
    import pytest

MODE = "  az containerapp revision set-mode -g rg-shop -n ca-web --mode multiple"
PIN = f"  az containerapp ingress traffic set -g rg-shop -n ca-web --revision-weight {READY}=100"


def by_hand(monkeypatch: pytest.MonkeyPatch, app: Any) -> list[str]:
    monkeypatch.setattr("cli.azure_app.Arm", lambda _: None)
    monkeypatch.delenv("WEIGHBRIDGE_ARM", raising=False)
    return _by_hand(AzureApp("s", "rg-shop", "ca-web"), "rg-shop/ca-web", inspect(app, ()))


def test_both_changes_are_one_write_and_else_the_mode_and_then_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure takes no weights in Single mode: to pin first would be refused (decision 0019)."""
    rest, why, mode, pin = by_hand(monkeypatch, an_app(mode="Single"))
    assert (mode, pin) == (MODE, PIN)
    assert "while nobody deploys in between" in why
    command = re.fullmatch(r"  az rest --method patch --url '(.+)' --body '(.+)'", rest)
    assert command
    app = "/subscriptions/s/resourceGroups/rg-shop/providers/Microsoft.App/containerApps/ca-web"
    assert command[1] == f"https://management.azure.com{app}?api-version={API_VERSION}"
    assert json.loads(command[2])["properties"]["configuration"] == {
        "activeRevisionsMode": "Multiple",
        "ingress": {"traffic": [{"revisionName": READY, "weight": 100}]},
    }


def test_an_app_in_multiple_mode_is_only_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    latest = ingress(traffic=[{"latestRevision": True, "weight": 100}])
    assert by_hand(monkeypatch, an_app(ingress=latest)) == [PIN]


def test_an_app_without_ingress_only_gets_its_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    assert by_hand(monkeypatch, an_app(ingress=None, mode="Single")) == [MODE]


def test_an_app_that_is_ready_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert by_hand(monkeypatch, an_app()) == []
