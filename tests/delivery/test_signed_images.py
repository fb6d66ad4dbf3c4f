"""An image whose row asks for a signature waits without one, ships with a good one, and rises only while it is good."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import names
from delivery.errors import Retry
from delivery.ports import Delete, Put
from delivery.trust import KEY
from rollouts.model import Phase
from tests.delivery.shop import ROW, Shop, digest
from tests.policies.pki import BEGINS, TARGET, authority, bundle, notation, public, statement, trusting
from tests.policies.rows import OCI

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.signatures import SignatureSeen

SIZE = 528
SIGNED: dict[str, object] = {**ROW, "Signed": "notation: release-key"}


async def opened(row: Mapping[str, object], **keys: dict[str, object]) -> Shop:
    """A shop at noon of a day on which the certificates are valid, and these key rows."""
    shop = Shop(row=row)
    shop.clock.advance(max(BEGINS + timedelta(days=100) - shop.clock.now(), timedelta()))
    await shop.open()
    for name, columns in keys.items():
        await shop.rows.commit(names.NAMES, KEY, [Put(key=name.replace("_", "-"), columns=columns)])
    return shop


async def pushed(shop: Shop, *signatures: SignatureSeen) -> None:
    await shop.push(1)
    shop.registry.manifests[digest(1)] = replace(shop.registry.manifests[digest(1)], size=SIZE, media_type=OCI)
    shop.registry.attached[digest(1)] = signatures


def signature(n: int = 1) -> SignatureSeen:
    return notation(payload={"targetArtifact": {**TARGET, "digest": digest(n), "size": SIZE}})


async def because(shop: Shop) -> str:
    app = await shop.state()
    return app.waiting[0].because if app.waiting else ""


async def test_an_unsigned_image_waits_and_ships_when_it_is_signed() -> None:
    shop = await opened(SIGNED, release_key=trusting())
    await pushed(shop)
    await shop.run(timedelta(minutes=20))

    assert await because(shop) == "signed: notation: release-key: no notation signature is attached to it yet"
    assert shop.weights() == {f"{shop.app.name}--first": 100}
    shop.registry.attached[digest(1)] = (signature(),)
    await shop.run()

    state = await shop.state()
    assert state.stable is not None
    assert (state.stable.digest, shop.channel.types()[-1]) == (digest(1), "RolloutPromoted")


async def test_a_signature_of_another_image_ships_nothing() -> None:
    shop = await opened(SIGNED, release_key=trusting())
    await pushed(shop, signature(2))
    await shop.run(timedelta(hours=1))

    assert (await because(shop)).endswith(f"its signature is not good: it is of another digest: {digest(2)}")
    assert shop.weights() == {f"{shop.app.name}--first": 100}


async def test_without_its_key_row_nothing_ships_and_the_row_is_named() -> None:
    shop = await opened(SIGNED)
    await pushed(shop, signature())
    await shop.run(timedelta(hours=1))

    assert await because(shop) == (
        "signed: notation: release-key: cannot tell: names/key/release-key: expected a row, found none"
    )


async def test_a_key_row_that_cannot_be_asked_for_is_no_answer() -> None:
    shop = await opened(SIGNED, release_key=trusting())

    async def away(name: str, arguments: tuple[object, ...]) -> None:
        if (name, arguments[1]) == ("get", KEY):
            raise Retry("table names 503")

    shop.rows.before = away
    await pushed(shop, signature())
    await shop.run(timedelta(minutes=10))

    assert await because(shop) == "signed: notation: release-key: cannot tell: table names 503"
    shop.rows.before = None
    await shop.run()
    assert shop.channel.types()[-1] == "RolloutPromoted"


async def test_other_gates_of_the_row_are_asked_beside_it() -> None:
    shop = await opened({**SIGNED, "MinAge": "1m"}, release_key=trusting())
    await pushed(shop, signature())
    await shop.run()

    assert shop.channel.types()[-1] == "RolloutPromoted"


async def test_a_bundle_of_cosign_ships_by_its_public_key() -> None:
    shop = await opened({**ROW, "Signed": "cosign: build"}, build=public())
    await pushed(shop, bundle(said=statement(digest(1))))
    await shop.run()

    assert shop.channel.types()[-1] == "RolloutPromoted"


async def test_what_is_not_signed_in_time_is_rejected_where_the_row_says_so() -> None:
    shop = await opened({**SIGNED, "Signed": "notation: release-key, within 30m else reject"}, release_key=trusting())
    await pushed(shop)
    await shop.run()

    assert shop.channel.types()[-1] == "RolloutRejected"


async def test_a_key_taken_away_stops_what_it_signed_and_moves_no_weight() -> None:
    shop = await opened(SIGNED, release_key=trusting())
    await pushed(shop, signature())
    await shop.run_until(Phase.BAKING, 1)
    before = shop.weights()
    await shop.rows.commit(names.NAMES, KEY, [Delete(key="release-key")])
    await shop.run(timedelta(minutes=30))

    assert shop.weights() == before
    assert "RolloutGateClosed" in shop.channel.types()
    await shop.rows.commit(names.NAMES, KEY, [Put(key="release-key", columns=trusting())])
    await shop.run()
    assert shop.channel.types()[-1] == "RolloutPromoted"


async def test_an_anchor_replaced_in_its_row_counts_from_the_next_tick() -> None:
    shop = await opened(SIGNED, release_key=trusting(authority("an older root")))
    await pushed(shop, signature())
    await shop.run(timedelta(minutes=10))
    assert "not among Certificates" in await because(shop)
    await shop.rows.commit(names.NAMES, KEY, [Put(key="release-key", columns=trusting())])
    await shop.run()

    assert shop.channel.types()[-1] == "RolloutPromoted"


async def test_a_row_that_asks_for_no_signature_asks_nobody() -> None:
    shop = await opened(ROW)
    await pushed(shop)
    await shop.run()

    assert (shop.registry.looked, shop.channel.types()[-1]) == ([], "RolloutPromoted")
