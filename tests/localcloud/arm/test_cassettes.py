"""Conversations recorded on Azure go the same way here, but for what the table says."""

from __future__ import annotations

import re

import pytest

from tests.localcloud.arm.replay import recording, replay

# A pattern of "<request>: <member>", and why our answer differs there.
DIFFERS = {
    r".*customDomainVerificationId|.*\.(logStream|exec|eventStream)Endpoint|.*eventStreamEndpoint": "of that region",
    r".*outboundIpAddresses\[\]|.*staticIp|.*containerId": "addresses and ids of that machine",
    r"GET managedEnvironments: properties\.(keda|dapr|peerTraffic)Configuration": "what an environment is made of",
    r"GET managedEnvironments: properties\.customDomainConfiguration\.\w+": "no custom domains",
    r"GET managedEnvironments: properties\.workloadProfiles": "one workload profile",
    r"PUT containerApps: properties\.latest(Ready)?RevisionName": "absent in one recording, blank in the other",
    r"(GET containerApps|.*Results): properties\.latestReadyRevisionName": "the test's processes are ready at once",
    r".*revisions: (value\[\]\.)?properties\.(health|provisioning|running)State": "ready at once; drains by the clock",
    r".*revisions: value\[\]\.properties\.replicas": "no autoscaler",
    r".*replicas: properties\.containers\[\]\.runningStateDetails": "a time in prose",
    r".*replicas: value": "the recorded restart still shows the replica that ended",
    r"POST containerApps/getAuthToken: properties.token": "hidden in the recording",
    r"GET managedEnvironments: header": "headers of another front end",
    r"GET managedEnvironments: properties\.appLogsConfiguration\.\w+": "logs are not sent to a workspace",
    r"GET managedEnvironments: properties\.(defaultDomain|peerAuthentication.*)": "an environment of its own",
    r"PUT managedEnvironments: status": "ready at once: 200, not 201 and an operation",
    r"PUT containerApps: properties\.(runningStatus|latestRevisionFqdn|configuration\.ingress\.(fqdn|exposedPort))": (
        "one recording's answer to a PUT leaves blank what is not known yet"
    ),
}
RECORDINGS = (
    "revision_label_e2e",
    "ingress_traffic_e2e",
    "scale_revision_copy",
    "ingress_e2e",
    "update",
    "update_containers",
    "create_with_yaml",
    "mount_secret_update",
)


async def differences(name: str) -> set[tuple[str, str, str]]:
    async with replay() as conversation:
        await conversation.play(recording(name))
        return conversation.found


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.fidelity(29, 44, 58)
async def test_a_recorded_conversation_differs_only_as_the_table_says(name: str) -> None:
    found = await differences(name)

    assert [d for d in sorted(found) if not any(re.fullmatch(p, d[0]) for p in DIFFERS)] == []


async def test_every_line_of_the_table_is_still_needed() -> None:
    found = [d[0] for name in RECORDINGS for d in await differences(name)]

    assert [p for p in DIFFERS if not any(re.fullmatch(p, where) for where in found)] == []
