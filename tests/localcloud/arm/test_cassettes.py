"""Conversations recorded on Azure go the same way here, but for what the table says."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.localcloud.arm.conversation import replay
from tests.localcloud.arm.differences import DIFFERS, MISSING, because, is_missing
from tests.localcloud.arm.recordings import recording
from tests.source import text

RECORDINGS = (
    "revision_label_e2e",
    "ingress_traffic_e2e",
    "scale_revision_copy",
    "ingress_e2e",
    "update",
    "update_containers",
    "create_with_yaml",
    "mount_secret_update_e2e",
    "logstream_2022",
)


async def differences(name: str) -> Counter[tuple[str, str, str]]:
    interactions = recording(name)
    async with replay(interactions) as conversation:
        await conversation.play(interactions)
        return conversation.found


@pytest.mark.fidelity(29, 44, 58)
@pytest.mark.parametrize("name", RECORDINGS)
async def test_a_recorded_conversation_differs_only_as_the_table_says(name: str) -> None:
    found = await differences(name)

    assert [d for d in sorted(found) if not because(*d)] == []


async def test_every_line_of_the_table_is_still_needed() -> None:
    found = [d for name in RECORDINGS for d in await differences(name)]

    for table, missing in ((DIFFERS, False), (MISSING, True)):
        there = [where for where, *told in found if is_missing(*told) is missing]
        assert [p for p in table if not any(re.fullmatch(p, where) for where in there)] == []


def test_the_page_names_every_reason() -> None:
    page = text("docs/localcloud.md")
    assert [why for why in (*DIFFERS.values(), *MISSING.values()) if f"| {why} |" not in page] == []
