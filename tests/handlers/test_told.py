"""What is told by hand goes the way of an event: an image nobody announced, and events that were given up."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from delivery import names
from delivery.errors import Refused
from delivery.ports import Put
from handlers import told
from policies.pushes import push_from_columns
from rollouts.model import Phase
from tests.delivery.shop import PARTITION, REGISTRY, REPOSITORY, RESOURCE, Shop, digest

IMAGE = f"{REGISTRY}/{REPOSITORY}:1.1.0"
PUSHED = {
    "id": "831e1650-001e-001b-66ab-eeb76e069631",
    "topic": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso",
    "subject": "shop/web:1.1.0",
    "eventType": "Microsoft.ContainerRegistry.ImagePushed",
    "eventTime": "2026-11-24T09:00:00Z",
    "data": {
        "timestamp": "2026-11-24T09:00:00Z",
        "action": "push",
        "target": {
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "digest": digest(1),
            "repository": REPOSITORY,
            "tag": "1.1.0",
        },
        "request": {"host": REGISTRY},
    },
}
SCANNED = {
    "specversion": "1.0",
    "id": "7",
    "source": "/scanners/trivy",
    "type": "Weighbridge.ImageScanCompleted",
    "subject": f"{REGISTRY}/{REPOSITORY}@{digest(1)}",
    "data": {
        "image": {"registry": REGISTRY, "repository": REPOSITORY, "digest": digest(1)},
        "scanner": {"name": "trivy", "adapter": "trivy/1"},
        "scan": {"id": "1", "status": "completed", "completedAt": "2026-11-24T09:04:11Z"},
        "summary": {
            "total": {"critical": 0, "high": 0, "medium": 0, "low": 0, "negligible": 0, "unknown": 0},
            "fixable": None,
        },
    },
}


async def tell(shop: Shop, name: str, body: Any) -> tuple[int, Any]:
    app = func.FunctionApp()
    app.register_functions(told.blueprint(lambda: shop.ports))
    functions = {str(one.get_function_name()): one.get_user_function() for one in app.get_functions()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = await functions[name](func.HttpRequest(method="POST", url="https://fn.test/api", body=raw))
    return found.status_code, json.loads(found.get_body())


@pytest.fixture
async def shop() -> Shop:
    return await Shop().open()


def there(shop: Shop, n: int, *, ago: timedelta = timedelta(hours=1)) -> None:
    """An image that is in the registry, and of which no event came."""
    shop.registry.push(REPOSITORY, f"1.{n}.0", digest(n), at=shop.clock.now() - ago)


@pytest.mark.parametrize("reference", [IMAGE, f"{IMAGE}@{digest(1)}", f"{REGISTRY}/{REPOSITORY}@{digest(1)}"])
async def test_an_image_no_event_announced_is_rolled_out(shop: Shop, reference: str) -> None:
    there(shop, 1)
    moved = shop.clock.now() - timedelta(hours=1)
    status, said = await tell(shop, "offer", {"image": reference})
    assert (status, said["apps"], said["image"]) == (200, [RESOURCE.lower()], f"{IMAGE}@{digest(1)}")
    assert said["pushed_at"] == moved.isoformat()

    row = await shop.rows.get(names.EVIDENCE, f"{REGISTRY}|{digest(1)}", "push:shop|web:1.1.0")
    assert row is not None
    push = push_from_columns("", row.columns)
    assert (push.pushed_at, push.listed) == (moved, True)
    await shop.run()
    assert shop.weights() == {"ca-web--wb1-000001": 100}


async def test_twice_is_once_also_after_its_end(shop: Shop) -> None:
    there(shop, 1)
    await tell(shop, "offer", {"image": IMAGE})
    await tell(shop, "offer", {"image": IMAGE})
    await shop.run()
    await tell(shop, "offer", {"image": IMAGE})
    await shop.run()
    assert (await shop.state()).counter == 1


async def test_where_the_registry_may_not_be_listed_the_tag_is_enough(shop: Shop) -> None:
    there(shop, 1)
    shop.registry.refused[REPOSITORY] = Refused("403", status=403)
    status, said = await tell(shop, "offer", {"image": IMAGE})
    assert (status, said["pushed_at"], len(said["apps"])) == (200, None, 1)
    assert (await tell(shop, "offer", {"image": f"{REGISTRY}/{REPOSITORY}@{digest(1)}"}))[0] == 502


async def test_an_image_that_no_row_selects_says_so(shop: Shop) -> None:
    shop.registry.push(REPOSITORY, "nightly", digest(1))
    status, said = await tell(shop, "offer", {"image": f"{REGISTRY}/{REPOSITORY}:nightly"})
    assert (status, said["apps"]) == (200, [])
    assert said["because"] == f"no row selects nightly of {REGISTRY}/{REPOSITORY}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", 'offer: body: expected JSON as in {"image": "…"}, found something else'),
        ({"image": 1}, 'offer: body: expected {"image": "…"}, found another'),
        ([], 'offer: body: expected {"image": "…"}, found another'),
        (
            {"image": "shop/web"},
            "image: expected an image as in contoso.azurecr.io/shop/web:1.4.3, or with its digest ",
        ),
        ({"image": f"{REGISTRY}/shop/web:9"}, "image: expected a tag that contoso.azurecr.io/shop/web has, found 9, "),
        (
            {"image": f"{IMAGE}@{digest(2)}"},
            "image: contoso.azurecr.io/shop/web:1.1.0: expected sha256:000002000000…, found sha256:000001000000… there",
        ),
        (
            {"image": f"{REGISTRY}/shop/web@{digest(2)}"},
            (
                "image: contoso.azurecr.io/shop/web@sha256:000002000000…: expected one tag of it, or the image with "
                "its tag; found none"
            ),
        ),
        (
            {"image": f"{REGISTRY}/shop/web@{digest(1)}"},
            (
                "image: contoso.azurecr.io/shop/web@sha256:000001000000…: expected one tag of it, or the image with "
                "its tag; found 1.1.0, stable"
            ),
        ),
    ],
)
async def test_what_is_not_there_wakes_nobody(shop: Shop, body: Any, said: str) -> None:
    there(shop, 1)
    shop.registry.push(REPOSITORY, "stable", digest(1))
    status, found = await tell(shop, "offer", body)
    assert (status, found["error"][: len(said)]) == (400, said)
    assert shop.rows.peek(names.EVIDENCE) == []


async def test_a_push_that_was_given_up_is_heard_once_however_often_it_is_replayed(shop: Shop) -> None:
    there(shop, 1)
    for _ in range(3):
        assert await tell(shop, "replay", PUSHED) == (200, {"became": "accepted", "because": "", "apps": 1})
    await shop.run()
    state = await shop.state()
    assert (state.counter, [done.phase for done in state.done]) == (1, [Phase.PROMOTED])


async def test_a_scan_is_heard_as_a_scan(shop: Shop) -> None:
    await shop.rows.commit(
        names.POLICIES, PARTITION, [Put(key="production", columns={**shop.row, "Scan": "critical 0"})]
    )
    assert await tell(shop, "replay", SCANNED) == (200, {"became": "accepted", "because": "", "apps": 1})
    assert await shop.rows.get(names.EVIDENCE, f"{REGISTRY}|{digest(1)}", "scan:trivy") is not None


@pytest.mark.parametrize(
    ("body", "became", "because"),
    [
        ({**PUSHED, "eventType": "Microsoft.ContainerRegistry.ImageDeleted"}, "ignored", "it is a Microsoft.Container"),
        ({**PUSHED, "data": {}}, "parked", "event: data.target: expected an object, found None"),
        (b"\xff[", "parked", "event: expected JSON, found something else"),
        ([PUSHED], "parked", "event: body: expected one object, found 'list'"),
    ],
)
async def test_what_is_no_event_of_ours_is_told(shop: Shop, body: Any, became: str, because: str) -> None:
    status, found = await tell(shop, "replay", body)
    assert (status, found["became"]) == (200, became)
    assert found["because"].startswith(because)
    assert shop.rows.peek(names.EVIDENCE) == []
