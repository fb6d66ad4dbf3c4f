"""Which key opens what on the Functions host."""

from __future__ import annotations

import json
import stat

import pytest
import pytest_asyncio

from localcloud.host.keys import keys
from tests.localcloud.hosts import KEY, Hosted, hosted

here = pytest.mark.asyncio(loop_scope="module")
PROGRAM = """
    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def anonymous(req: func.HttpRequest):
        return "in"

    @app.route(auth_level=func.AuthLevel.FUNCTION)
    def function(req: func.HttpRequest):
        return "in"

    @app.route()
    def unsaid(req: func.HttpRequest):
        return "in"

    @app.route(auth_level=func.AuthLevel.ADMIN)
    def highest(req: func.HttpRequest):
        return "in"

    @app.event_grid_trigger(arg_name="event")
    def event(event: str):
        pass
"""
EVENTS = "/runtime/webhooks/EventGrid?functionName=event"
# What each key opens; everything else it does not.
OPENS = {
    "none": {"/api/anonymous"},
    "wrong": {"/api/anonymous"},
    "host": {"/api/anonymous", "/api/function", "/api/unsaid"},
    "of function": {"/api/anonymous", "/api/function"},
    "of unsaid": {"/api/anonymous", "/api/unsaid"},
    "of highest": {"/api/anonymous"},
    "system": {"/api/anonymous", EVENTS},
    "master": {"/api/anonymous", "/api/function", "/api/unsaid", "/api/highest", "/admin/host/status", EVENTS},
}
EVERYTHING = sorted(OPENS["master"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(tmp_path_factory):
    async with hosted(tmp_path_factory.mktemp("host") / "app", PROGRAM) as running:
        yield running


def value(host: Hosted, name: str) -> str | None:
    known = host.functions.keys
    named = {"none": None, "wrong": "wrong", "host": KEY, "system": known.eventgrid, "master": known.master}
    return named[name] if name in named else known.functions[name.removeprefix("of ")]


def method(path: str) -> str:
    return "POST" if path == EVENTS else "GET"


@here
@pytest.mark.parametrize("path", EVERYTHING)
@pytest.mark.parametrize("name", OPENS)
async def test_a_key_opens_what_it_is_for_and_the_rest_is_401_without_a_word(host, name, path):
    sent = {"headers": {"aeg-event-type": "Unsubscribe"}}
    status, text, _ = await host.call(method(path), path, key=value(host, name), **sent)
    if path in OPENS[name]:
        assert status in {200, 202}
    else:
        assert (status, text) == (401, "")


@here
@pytest.mark.parametrize("path", EVERYTHING)
async def test_the_key_may_be_in_the_address(host, path):
    sent = {"headers": {"aeg-event-type": "Unsubscribe"}}
    code = {"code": host.functions.keys.master}
    assert (await host.call(method(path), path, key=None, params=code, **sent))[0] in {200, 202}


@here
async def test_a_header_decides_even_when_the_address_has_the_better_key(host):
    code = {"code": host.functions.keys.master}
    for key in ("wrong", ""):
        assert (await host.call("GET", "/api/highest", key=key, params=code))[0] == 401


@here
async def test_anybody_may_ask_whether_the_host_is_there(host):
    assert (await host.call("GET", "/admin/host/ping", key=None))[:2] == (200, "")


@here
async def test_keys_outlive_the_process_and_only_their_owner_may_read_them(host):
    before = host.functions.keys
    await host.functions.kill()
    await host.functions.start()
    assert host.functions.keys == before
    assert stat.S_IMODE((host.functions.shared / "keys.json").stat().st_mode) == 0o600


def test_a_function_that_comes_later_gets_a_key_and_the_others_keep_theirs(tmp_path):
    before = keys(tmp_path, "first", ["a"])
    after = keys(tmp_path, "second", ["a", "b"])
    assert (after.master, after.eventgrid, after.functions["a"]) == (
        before.master,
        before.eventgrid,
        before.functions["a"],
    )
    assert after.host == "second"
    secrets = [after.master, after.host, after.eventgrid, *after.functions.values()]
    assert len(set(secrets)) == len(secrets) == 5
    assert json.loads((tmp_path / "keys.json").read_text())["functions"] == after.functions
