"""What is left: which header says it, how it counts down, and how it fills again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import jwt
import pytest

from localcloud.arm.knobs import Knobs
from localcloud.arm.limits import principal
from tests.localcloud.arm.cloud import APP, ENVIRONMENT, SUBSCRIPTION, VERSION, Cloud, app_body, cloud

if TYPE_CHECKING:
    from tests.localcloud.arm.cloud import Answer

ABSENT = APP.replace("/web", "/absent")
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-local"


def left(answer: Answer) -> dict[str, int]:
    start = "x-ms-ratelimit-remaining-subscription-"
    return {name.removeprefix(start): int(said) for name, said in answer.headers.items() if name.startswith(start)}


def stands(it: Cloud, monkeypatch: pytest.MonkeyPatch, seconds: float = 0) -> None:
    """The cloud's time is this much later and stands."""
    at = it.clock.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(it.clock, "now", lambda: at)


async def delete(it: Cloud, who: str, subscription: str = SUBSCRIPTION) -> dict[str, int]:
    """What is left after one deletion of what is not there, by a principal."""
    token = jwt.encode({"oid": who}, "0" * 32)
    url = f"{it.base}{ABSENT.replace(SUBSCRIPTION, subscription)}?api-version={VERSION}"
    async with it.http.delete(url, headers={"Authorization": f"Bearer {token}"}) as got:
        start = "x-ms-ratelimit-remaining-subscription-"
        return {k.lower().removeprefix(start): int(v) for k, v in got.headers.items() if k.lower().startswith(start)}


@pytest.mark.fidelity(44)
async def test_each_verb_has_the_headers_that_were_recorded_at_the_age_of_its_api_version() -> None:
    for version, read, write, post, deletion, environment in (
        ("2022-06-01-preview", {}, {"resource-requests": 499}, {"writes": 1199}, {"deletes": 14999}, 99),
        ("2022-11-01-preview", {}, {"resource-requests": 699}, {"writes": 1199}, {"deletes": 14999}, 99),
        ("2024-03-01", {}, {"resource-requests": 699}, {"writes": 1199}, {"deletes": 14999}, 99),
        (
            "2024-10-02-preview",
            {"global-reads": 16499},
            {"resource-requests": 799},
            {"writes": 799, "global-writes": 11999},
            {"deletes": 799, "global-deletes": 11999},
            799,
        ),
    ):
        async with cloud() as it:
            assert left(await it.ask("GET", ENVIRONMENT, version=version)) == read
            put = await it.ask("PUT", APP, app_body(), version)
            assert left(put) == write
            await it.end(put)
            it.clock.advance(timedelta(minutes=1))
            assert left(await it.ask("POST", f"{APP}/listSecrets", version=version)) == post
            assert left(await it.ask("DELETE", ABSENT, version=version)) == deletion
            made = await it.ask("PUT", f"{ENVIRONMENT}-2", {"location": "eastus"}, version)
            assert (made.status, left(made)) == (201, {"resource-requests": environment})


@pytest.mark.fidelity(44)
async def test_apps_and_environments_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    async with cloud() as it:
        stands(it, monkeypatch)
        app = await it.ask("PUT", APP, app_body())
        environment = await it.ask("PUT", f"{ENVIRONMENT}-2", {"location": "eastus"})
        assert left(app) == left(environment) == {"resource-requests": 799}


@pytest.mark.fidelity(44)
async def test_other_providers_and_what_is_refused_count_too_but_not_what_has_no_subscription() -> None:
    async with cloud() as it:
        group = await it.ask("PUT", f"{GROUP}-2", {"location": "eastus"}, "2021-04-01")
        assert left(group) == {"writes": 799, "global-writes": 11999}
        metrics = await it.ask("GET", f"{APP}/providers/Microsoft.Insights/metrics", version="2018-01-01")
        assert (metrics.status, left(metrics)) == (404, {"global-reads": 16499})
        refused = await it.ask("PUT", APP, {}, "2024-03-01")
        assert (refused.status, left(refused)) == (404, {})
        assert left(await it.ask("GET", "/subscriptions", version="2022-12-01")) == {}


@pytest.mark.fidelity(44)
async def test_what_is_left_counts_down_to_none_and_fills_by_the_clock_up_to_its_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with cloud() as it:
        stands(it, monkeypatch)
        assert [(await delete(it, "a"))["deletes"] for _ in range(802)] == [*range(799, -1, -1), 0, 0]
        for seconds, expected in ((0.1, 0), (0.5, 4), (600, 799)):
            stands(it, monkeypatch, seconds)
            assert (await delete(it, "a"))["deletes"] == expected


@pytest.mark.fidelity(44)
async def test_each_principal_has_its_own_in_each_subscription_and_all_share_the_global_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with cloud() as it:
        stands(it, monkeypatch)
        assert await delete(it, "a") == {"deletes": 799, "global-deletes": 11999}
        assert await delete(it, "a") == {"deletes": 798, "global-deletes": 11998}
        assert await delete(it, "b") == {"deletes": 799, "global-deletes": 11997}
        assert await delete(it, "a", "00000000-0000-0000-0000-000000000009") == {
            "deletes": 799,
            "global-deletes": 11999,
        }
        await it.arm.reset()
        assert await delete(it, "a") == {"deletes": 799, "global-deletes": 11999}


@pytest.mark.fidelity(44)
async def test_reads_are_refused_in_azures_words_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with cloud(knobs=Knobs(reads="limited")) as it:
        stands(it, monkeypatch)
        answers = [await it.ask("GET", ENVIRONMENT) for _ in range(1101)]
        assert [answer.status for answer in answers] == [200] * 1100 + [429]
        error = answers[-1].body["error"]
        assert error["code"] == "SubscriptionRequestsThrottled"
        assert error["message"].startswith(f"Number of 'read' requests for subscription '{SUBSCRIPTION}' actor ''")
        assert (answers[-1].headers["retry-after"], left(answers[-1])) == ("1", {})
        assert {(await it.ask("DELETE", ABSENT)).status for _ in range(801)} == {204}


@pytest.mark.fidelity(44)
async def test_writes_and_deletions_are_refused_apart_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with cloud(knobs=Knobs(writes="limited")) as it:
        stands(it, monkeypatch)
        assert [(await it.ask("DELETE", ABSENT)).status for _ in range(801)] == [204] * 800 + [429]
        assert (await it.ask("PUT", f"{GROUP}-2", {"location": "eastus"}, "2021-04-01")).status == 201
        assert {(await it.ask("GET", ENVIRONMENT)).status for _ in range(1101)} == {200}


@pytest.mark.parametrize("said", ["", "Bearer", "Bearer token", "Basic eDp5", f"Bearer {jwt.encode({}, '0' * 32)}"])
def test_who_asks_without_a_token_that_says_it_is_nobody(said: str) -> None:
    assert principal(said) == ""


def test_who_asks_is_the_object_of_the_token() -> None:
    assert principal(f"Bearer {jwt.encode({'oid': 'me', 'appid': 'x'}, '0' * 32)}") == "me"
