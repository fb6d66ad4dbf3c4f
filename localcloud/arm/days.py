"""Azure as it was on a day: what one api-version is answered has changed over the years, and recordings tell when.

Days are ISO texts. Each change is known by the first day on which it was recorded; the days between that and the last
one on which it was not are nobody's.
"""

from __future__ import annotations

from bisect import bisect

TODAY = "9999-12-31"
BLANKS = "2023-03-03"  # members that are blank are shown with 2022-06-01-preview, too
STATES = "2023-07-14"  # states of workload profiles are in their environment, not in the subscription
STORAGE = "2023-10-23"  # ephemeral storage is told in environments with workload profiles, too
NO_SERVER = "2024-02-04"  # what the provider runs on is told no more
LIMIT = "2024-04-18"  # an app that is made with 2023-05-01 has a limit of inactive revisions
DELEGATED = "2024-04-18"  # delegated identities are told with 2023-05-01
SENT = "2024-05-28"  # a PUT is answered with what it sent
BUCKETS = "2024-10-14"  # requests are counted by buckets of each principal, not by the hour
BOTH_ADDRESSES = "2024-10-14"  # of an operation are told to a PATCH
OWN = "2025-09-26"  # apps and environments are counted from 800 writes
COUNTED = "2025-11-04"  # names of an app's later revisions are counted, not random
MODE = "2026-01-27"  # the mode of an environment is told with 2025-10-02-preview

# When most was recorded with it. Later versions are taken for today's Azure.
_USUAL = {
    "2022-03-01": "2022-06-23",
    "2022-06-01-preview": "2022-12-14",
    "2022-10-01": "2023-03-14",
    "2022-11-01-preview": "2023-03-28",
    "2023-04-01-preview": "2023-07-14",
    "2023-05-01": "2023-11-10",
    "2023-05-02-preview": "2023-10-26",
    "2023-08-01-preview": "2023-11-10",
    "2023-11-02-preview": "2024-02-04",
    "2024-02-02-preview": "2024-05-06",
    "2024-03-01": "2024-04-18",
    "2024-08-02-preview": TODAY,
}
_VERSIONS = list(_USUAL)


def day(version: str, knob: str) -> str:
    """On which it is to be answered. version: of the request; "" is today's. knob: a day, or `usual`."""
    if knob != "usual":
        return knob
    return _USUAL[_VERSIONS[max(0, bisect(_VERSIONS, version) - 1)]] if version else TODAY
