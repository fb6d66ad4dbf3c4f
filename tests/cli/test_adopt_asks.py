"""Who adopts an app hears from the installation that will roll it out: its rights, its registry, its probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.installation import asked
from cli.preflight import Means
from cli.service import KEY, URL
from tests.cli.installation import SECRET, Installation
from tests.delivery.shop import KEY as APP_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = APP_KEY.replace("|", "/")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.delenv(URL, raising=False)
    monkeypatch.setenv(KEY, SECRET)
    with Installation() as found:
        found.shop.registry.push("shop/web", "1.0.0", "sha256:0")
        yield found


def means(service: Installation) -> dict[str, Means]:
    return {one.what: one.means for one in asked(service.url, APP)}


def test_all_is_well(service: Installation) -> None:
    assert means(service) == dict.fromkeys(("rights", "metrics", "probe", "registry contoso.azurecr.io"), Means.FINE)


def test_what_would_keep_it_from_shipping_is_to_be_mended_and_says_by_whom(service: Installation) -> None:
    service.shop.azure.missing = {"Microsoft.App/containerApps/write"}
    (found,) = [one for one in asked(service.url, APP) if one.means is Means.MEND]
    assert (found.what, found.said) == ("rights", "the identity lacks Microsoft.App/containerApps/write")
    assert found.then.startswith("who may give roles: az role assignment create")


def test_that_the_app_is_in_single_mode_is_not_told_twice(service: Installation) -> None:
    service.shop.app.multiple = False
    assert "app" not in means(service)


def test_without_an_installation_it_says_plainly_that_none_was_asked_and_how_to(service: Installation) -> None:
    del service
    (found,) = asked("", APP)
    assert (found.said, found.means) == ("was not asked", Means.NOTE)
    assert f"set {URL} and {KEY}" in found.then


def test_one_that_does_not_answer_is_a_note_and_stops_nothing(service: Installation) -> None:
    del service
    (found,) = asked("http://127.0.0.1:9", APP)
    assert found.means is Means.NOTE
    assert found.said.startswith("did not answer: 127.0.0.1: expected an answer")
