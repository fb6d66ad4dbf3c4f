"""Conversations recorded on Azure go the same way here, but for what the table says."""

from __future__ import annotations

import re

import pytest

from tests.localcloud.arm.replay import recording, replay
from tests.source import text

# A pattern of "<request>: <member>", and why our answer differs there.
DIFFERS = {
    r".*customDomainVerificationId|.*\.(logStream|exec|eventStream)Endpoint|.*eventStreamEndpoint": "of that region",
    r".*outboundIpAddresses\[\]|.*outboundIpAddresses|.*staticIp|.*containerId": "addresses and ids of that machine",
    r"GET managedEnvironments: properties\.daprConfiguration\.version": "newer and older ones",
    r"POST containerApps/getAuthToken: properties\.token": "a secret",
    r".*: header transfer-encoding": "the front of 2022 sent bodies in chunks",
    r"(PUT|GET) containerApps: properties\.latestRevision(Name|Fqdn)": "known sooner or later while an operation runs",
    r"PUT containerApps: properties\.latestReadyRevisionName": "the same",
    r"(GET containerApps|.*Results): properties\.latestReadyRevisionName": "the test's processes are ready at once",
    r".*revisions: (value\[\]\.)?properties\.(health|provisioning|running)State": "ready at once; drains by the clock",
    r".*revisions: properties\.provisioningError": "the recorded one crashed",
    r".*replicas: (value\[\]\.)?properties\.containers\[\]\.(ready|started|restartCount)": "likewise",
    r".*revisions: (value\[\]\.)?properties\.replicas": "nothing scales without the data plane",
    r".*replicas: value": "restarted while it drained: here a restart comes after that",
}
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


async def differences(name: str) -> set[tuple[str, str, str]]:
    async with replay() as conversation:
        await conversation.play(recording(name))
        return conversation.found


@pytest.mark.fidelity(29, 44, 58)
@pytest.mark.parametrize("name", RECORDINGS)
async def test_a_recorded_conversation_differs_only_as_the_table_says(name: str) -> None:
    found = await differences(name)

    assert [d for d in sorted(found) if not any(re.fullmatch(p, d[0]) for p in DIFFERS)] == []


async def test_every_line_of_the_table_is_still_needed() -> None:
    found = [d[0] for name in RECORDINGS for d in await differences(name)]

    assert [p for p in DIFFERS if not any(re.fullmatch(p, where) for where in found)] == []


def test_the_page_names_every_reason() -> None:
    page = text("docs/localcloud.md")
    assert [why for why in DIFFERS.values() if f"| {why} |" not in page] == []
