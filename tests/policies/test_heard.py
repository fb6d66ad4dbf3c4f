"""What was heard is kept as the service keeps it: a scanner's latest word, a tag's latest push, in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from policies.heard import Heard
from policies.history import Entry
from policies.model import Policy
from policies.offline import known
from rollouts.model import Image
from rollouts.seen import Unknown
from tests.policies.rows import CHILD, DIGEST, IMAGE, NOON, OTHER_DIGEST, REGISTRY, WEB, facts, row, scan

(PUSH,) = facts().pushes
AGAIN = replace(PUSH, digest=OTHER_DIGEST, pushed_at=NOON + timedelta(hours=1))
SCAN, RESCAN = scan(), scan(completed_at=NOON + timedelta(hours=2), status="failed", counts=None)


@pytest.mark.parametrize("order", list(permutations([PUSH, AGAIN, SCAN, RESCAN])))
def test_the_order_of_arrival_changes_nothing(order: tuple[Entry, ...]) -> None:
    heard = Heard()
    for entry in order:
        heard.hear(entry)
    assert heard.tag_now(IMAGE) == OTHER_DIGEST
    assert heard.scans(IMAGE) == (RESCAN,)
    assert heard.pushes(IMAGE) == (PUSH,)


def test_a_scan_of_an_indexs_manifest_is_heard_of_both() -> None:
    heard = Heard()
    child = scan(digest=CHILD, index_digest=DIGEST, platform="linux/amd64")
    heard.hear(child)
    assert heard.scans(IMAGE) == (child,)
    assert heard.scans(replace(IMAGE, digest=CHILD)) == (child,)


def test_what_no_file_tells_is_unknown_and_never_a_promotion() -> None:
    policy = row({"After": "staging, test"})
    rows = [policy, row({"App": "rg/ca-stg"}, key="staging")]
    there = known(policy, IMAGE, rows, Heard(), NOON, None).facts.elsewhere
    assert isinstance(there["staging"], Unknown)
    assert "test" not in there


def test_a_pattern_row_is_meant_only_where_the_repository_has_none_of_that_name() -> None:
    def of(partition: str, app: str) -> Policy:
        cells = {"App": app, **({"Repository": "*"} if partition.endswith("*") else {})}
        return row(cells, partition=partition, key="staging")

    policy = row({"After": "staging"})
    pattern, own = of(f"{REGISTRY}|*", "rg/ca-all"), of(WEB, "rg/ca-web-stg")
    for rows in ([policy, pattern, own], [policy, own, pattern], [policy, pattern]):
        assert "staging" in known(policy, IMAGE, rows, Heard(), NOON, None).facts.elsewhere
    elsewhere = Image(registry=REGISTRY, repository="shop/api", tag="1", digest=DIGEST)
    assert "staging" not in known(policy, elsewhere, [policy, own], Heard(), NOON, None).facts.elsewhere
