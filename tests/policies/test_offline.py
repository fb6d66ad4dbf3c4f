"""What files tell of an image: what ran, what is held, what became of it elsewhere, each by the last word on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policies.facts import Elsewhere
from policies.heard import Heard
from policies.history import Verdict
from policies.offline import known, row_named
from policies.pushes import PushEvidence
from rollouts.model import Image, Phase
from rollouts.seen import Unknown
from tests.policies.rows import DIGEST, IMAGE, NOON, OTHER_DIGEST, REGISTRY, row

HOUR = timedelta(hours=1)
HELD = "in quarantine"
UNDONE = f"{HELD}: rolled back at 2026-11-24 14:00 UTC"
PRODUCTION, HOTFIX, STAGING = row(), row(key="hotfix"), row({"App": "rg-shop/ca-web-stg"}, key="staging")
SHOP = row({"App": "rg-shop/ca-web", "Repository": "shop/*"}, partition=f"{REGISTRY}|*", key="production")
AFTER = row({"After": "staging"})


def ended(outcome: Phase, hour: int, policy: str = "production", because: str = "", **image: str) -> Verdict:
    of = replace(IMAGE, **image)
    return Verdict(
        at=NOON + hour * HOUR,
        registry=REGISTRY,
        repository="shop/web",
        tag=of.tag,
        digest=of.digest,
        policy=policy,
        outcome=outcome,
        because=because,
    )


def heard(*entries: Verdict | PushEvidence) -> Heard:
    told = Heard()
    for entry in entries:
        told.hear(entry)
    return told


def pushed(hour: int = 0, image: Image = IMAGE) -> PushEvidence:
    return PushEvidence(
        registry=REGISTRY, repository="shop/web", tag=image.tag, digest=image.digest, pushed_at=NOON + hour * HOUR
    )


def facts(*entries: Verdict | PushEvidence, policy=PRODUCTION, rows=(PRODUCTION, HOTFIX, STAGING)):
    return known(policy, IMAGE, rows, heard(*entries), NOON, None).facts


def test_the_evidence_of_the_image_is_what_the_gates_see():
    found = facts(pushed(), pushed(1, replace(IMAGE, digest=OTHER_DIGEST)))
    assert [push.pushed_at for push in found.pushes] == [NOON]
    assert (found.offered_at, found.tag_now) == (NOON, OTHER_DIGEST)
    assert found.manifest is not None
    assert found.manifest.digest == DIGEST


def test_what_was_promoted_last_by_any_row_of_the_container_is_what_runs():
    old, new = (
        replace(IMAGE, tag="1.4.1", digest=OTHER_DIGEST),
        replace(IMAGE, tag="1.4.2", digest="sha256:" + "d" * 64),
    )
    found = facts(
        pushed(-9, new),
        ended(Phase.PROMOTED, 2, "hotfix", tag=new.tag, digest=new.digest),
        ended(Phase.PROMOTED, 1, tag=old.tag, digest=old.digest),
        ended(Phase.PROMOTED, 3, "staging", tag="9.9.9", digest=old.digest),
    )
    assert found.running is not None
    assert (found.running.tag, found.running.digest, found.running.pushed_at) == (new.tag, new.digest, NOON - 9 * HOUR)


@pytest.mark.parametrize(
    ("verdicts", "held"),
    [
        ((), ""),
        ((ended(Phase.PROMOTED, 1),), ""),
        ((ended(Phase.ROLLED_BACK, 1),), f"{HELD}: rolled back at 2026-11-24 13:00 UTC"),
        ((ended(Phase.ABORTED, 1, because="ann"),), f"{HELD}: aborted at 2026-11-24 13:00 UTC, ann"),
        ((ended(Phase.ROLLED_BACK, 1), ended(Phase.PROMOTED, 2, "hotfix")), ""),
        ((ended(Phase.PROMOTED, 1), ended(Phase.ROLLED_BACK, 2, "hotfix")), UNDONE),
        ((ended(Phase.ROLLED_BACK, 2, "staging"),), ""),
        ((ended(Phase.ROLLED_BACK, 2, digest=OTHER_DIGEST),), ""),
    ],
    ids=["none", "promoted", "rolled back", "aborted", "promoted later", "rolled back later", "elsewhere", "another"],
)  # fmt: skip
def test_a_digest_is_held_by_the_last_word_on_it_of_the_rows_of_this_container(verdicts, held):
    assert facts(*verdicts).quarantined == held


def test_what_became_of_it_under_the_row_that_comes_before():
    def there(*verdicts: Verdict) -> Elsewhere | Unknown:
        found: Elsewhere | Unknown = facts(*verdicts, policy=AFTER, rows=(AFTER, STAGING)).elsewhere["staging"]
        return found

    assert isinstance(there(), Unknown)
    assert there(ended(Phase.PROMOTED, 1, "staging")) == Elsewhere(promoted_at=NOON + HOUR, revoked="")
    undone = there(ended(Phase.PROMOTED, 1, "staging"), ended(Phase.ROLLED_BACK, 2, "staging"))
    assert undone == Elsewhere(promoted_at=NOON + HOUR, revoked="rolled back at 2026-11-24 14:00 UTC")
    assert there(ended(Phase.ROLLED_BACK, 2, "staging")) == Elsewhere(promoted_at=None, revoked="")
    assert facts(policy=AFTER, rows=(AFTER,)).elsewhere == {}


def test_the_repository_s_own_row_of_a_name_comes_before_a_pattern_s():
    assert row_named((SHOP, PRODUCTION), "production", IMAGE) is PRODUCTION
    assert row_named((PRODUCTION, SHOP), "production", IMAGE) is PRODUCTION
    assert row_named((SHOP,), "production", IMAGE) is SHOP
    assert row_named((SHOP,), "hotfix", IMAGE) is None
