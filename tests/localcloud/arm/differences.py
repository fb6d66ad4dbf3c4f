"""Why our answers differ from recorded ones, where they do: the table of docs/localcloud.md."""

from __future__ import annotations

import re

# A pattern of "<request>: <member>", and why our answer differs there.
DIFFERS = {
    r".*customDomainVerificationId|POST getCustomDomainVerificationId: ": "of that region",
    r".*\.(logStream|exec|eventStream)Endpoint|.*eventStreamEndpoint": "of that region",
    r".*outboundIpAddresses\[\]|.*outboundIpAddresses|.*staticIp|.*containerId": "addresses and ids of that machine",
    r".* managedEnvironment(s|OperationResults): properties\.(dapr|keda)Configuration\.version": "newer and older ones",
    r"POST .*/getAuthToken: properties\.token": "a secret",
    r".*: header transfer-encoding": "the front of 2022 and 2023 sent bodies in chunks",
    r"PUT containerApps: properties\.latestRevisionName": "blank, absent or the name when a PUT is answered",
    r"PUT containerApps: properties\.latestReadyRevisionName": "the same",
    r"(GET containerApps|.*Results): properties\.latestReadyRevisionName": "the test's processes are ready at once",
    r".*revisions: (value\[\]\.)?properties\.(health|provisioning|running)State": "ready at once; drains by the clock",
    r".*replicas: (value\[\]\.)?properties\.containers\[\]\.(ready|started|restartCount)": "likewise",
    r".*revisions: (value\[\]\.)?properties\.replicas": "nothing scales without the data plane",
}
# Likewise, of members that Azure's answer has and ours does not, or the other way about.
MISSING = {
    r"PUT containerApps: properties\.latestRevisionName": "blank, absent or the name when a PUT is answered",
    r"PUT containerApps: properties\.latestReadyRevisionName": "the same",
    r".*revisions: properties\.provisioningError": "the recorded one crashed",
}


def is_missing(theirs: str, ours: str) -> bool:
    """Whether one of them has the member, or a value for it, and the other has not."""
    return not {theirs, ours}.isdisjoint(('"absent"', "null"))


def because(where: str, theirs: str, ours: str) -> str:
    """The reason for a difference there, "" without one. That a member is missing or null is excused only by name."""
    table = MISSING if is_missing(theirs, ours) else DIFFERS
    return next((why for pattern, why in table.items() if re.fullmatch(pattern, where)), "")
