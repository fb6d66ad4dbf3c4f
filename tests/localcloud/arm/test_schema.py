"""A body of the wrong shape is refused as Azure refuses it, or what is made of it is right; it breaks nothing."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from http import HTTPStatus
from typing import Any

import pytest

from localcloud.arm.calls import Call, Reply
from localcloud.arm.versions import shown
from tests.localcloud.arm import judge
from tests.localcloud.arm.cloud import APP, VERSION, app_body, cloud
from tests.localcloud.arm.sdk_bodies import full

STRANGE: tuple[Any, ...] = (None, 7, 1.5, "text", True, [1], ["a"], [None], {"a": 1}, {"a": "b"})
REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}  # the environment of that name is not found
Path = tuple[str | int, ...]


def paths(body: object, path: Path = ()) -> Iterator[Path]:
    """Of everything in a body but the whole of it."""
    inside = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, value in inside:
        yield (*path, name)
        yield from paths(value, (*path, name))


def with_one(path: Path, value: object) -> Any:
    body: Any = deepcopy(full("ContainerApp", 0))
    inside = body
    for part in path[:-1]:
        inside = inside[part]
    inside[path[-1]] = value
    return body


@pytest.mark.parametrize("strange", STRANGE, ids=repr)
async def test_one_strange_member_is_refused_or_does_no_harm(strange: object) -> None:
    wrong, refused = set[str](), 0
    async with cloud() as it:
        for at, path in enumerate(paths(full("ContainerApp", 0))):
            body, query = with_one(path, strange), {"api-version": VERSION}
            call = Call(method="PUT", path=f"{APP}{at}", query=query, body=body, base=it.base)
            got = await it.arm.answer(call)
            refused += got.status == HTTPStatus.BAD_REQUEST
            wrong |= {f"{'.'.join(map(str, path))}: {one}" for one in said_of(got)}

    assert wrong == set()
    assert refused > 10


def said_of(got: Reply) -> set[str]:
    if got.status == HTTPStatus.CREATED:
        # Texts are of many words; what is in no enum is judged by those who use it.
        return {
            one
            for one in judge.problems("ContainerApp", shown(got.body, VERSION), VERSION)
            if not one.endswith(": text")
        }
    return judge.refusal(got.body) if got.status in REFUSED else {str(got.status)}


@pytest.mark.parametrize(
    ("found", "kept"), [(80, 80), ("80", 80), (80.0, 80), (80.5, None), (True, None), ("eighty", None), ("nan", None)]
)
async def test_a_whole_number_may_be_written_as_a_text(found: object, kept: int | None) -> None:
    body: Any = app_body()
    body["properties"]["configuration"]["ingress"]["targetPort"] = found
    async with cloud() as it:
        got = await it.ask("PUT", APP, body)

        assert got.status == (400 if kept is None else 201)
        assert kept is None or got.body["properties"]["configuration"]["ingress"]["targetPort"] == kept


async def test_the_words_name_the_member_and_never_its_value() -> None:
    async with cloud() as it:
        secret: Any = {"properties": {"configuration": {"secrets": [{"name": "a", "value": ["opens"]}]}}}
        error = (await it.ask("PUT", APP, secret)).body["error"]

        assert error["code"] == "ContainerAppInvalidSchema"
        assert "properties.configuration.secrets[0].value: expected text, found list" in error["message"]
        assert "opens" not in error["message"]


@pytest.mark.parametrize("name", ["ipAddressRange", "action"])
async def test_what_must_be_there_is_asked_for_also_of_what_is_merged(name: str) -> None:
    rule = {"name": "a", "ipAddressRange": "10.0.0.0/8", "action": "Allow"}
    del rule[name]
    async with cloud() as it:
        await it.create()
        for part in ({"ipSecurityRestrictions": [rule]}, {"corsPolicy": {"maxAge": 1}}):
            got = await it.ask("PATCH", APP, {"properties": {"configuration": {"ingress": part}}})
            assert (got.status, got.body["error"]["code"]) == (400, "ContainerAppInvalidSchema")
        cors = {"corsPolicy": {"allowedOrigins": ["*"]}}
        await it.patch({"configuration": {"ingress": cors}})
        await it.patch({"configuration": {"ingress": {"corsPolicy": {"maxAge": 1}}}})
        kept = (await it.properties())["configuration"]["ingress"]["corsPolicy"]
        assert {name: value for name, value in kept.items() if value is not None} == {
            "allowedOrigins": ["*"],
            "maxAge": 1,
        }
