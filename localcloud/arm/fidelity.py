"""What of Azure's behaviour the emulator keeps to: the sixty points, what is missing of them, and the switches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point. level: M must, S should, K evidence is thin; its switch is then one of `knobs`.

    switch: what else changes it, "" for nothing. evidence: of such. missing: what is not done and what happens instead.
    """

    what: str
    level: str = "M"
    switch: str = ""
    evidence: str = ""
    missing: str = ""


POINTS: dict[int, Point] = {
    1: Point(what="PUT that creates: 201, InProgress, blank `latest*`"),
    2: Point(what="PUT that updates: 201, never 200"),
    3: Point(what="PUT: `azure-asyncoperation`, PT15M, no Location, no Retry-After"),
    4: Point(what="statuses body: id, name, status, startTime, error"),
    5: Point(what="PATCH: 202, no body, `location`"),
    6: Point(what="results: 202, then 200 with the app"),
    7: Point(what="PATCH with both addresses", level="S"),
    8: Point(what="DELETE: 202, then 204; absent: 204"),
    9: Point(what="missing app: 404 in Azure's words"),
    10: Point(what="errors wrapped or bare, by code"),
    11: Point(what="spelling of ids and types"),
    12: Point(what="names without case"),
    13: Point(what="mode, transport and location spelled as Azure does"),
    14: Point(what="defaults"),
    15: Point(what="maxInactiveRevisions 100, null after PUT, kept by PATCH"),
    16: Point(what="merge patch"),
    17: Point(what="only a changed template makes a revision"),
    18: Point(what="a stored suffix is inherited; null resets"),
    19: Point(what="a used suffix with another template: accepted, then Failed"),
    20: Point(what="revision names: 54 characters, 400"),
    21: Point(what="automatic suffix: random first, a counter after", level="K"),
    22: Point(what="hosts of apps, revisions, labels, internal"),
    23: Point(what="ingress off: nothing served, no revision; `latestRevisionFqdn` is blank, a revision's own is not"),
    24: Point(what="traffic: string weights, false members dropped, order kept"),
    25: Point(what="a sum of weights other than 100: 400"),
    26: Point(what="traffic may name the revision of the same request"),
    27: Point(what="traffic to an inactive revision is accepted"),
    28: Point(what="deactivating leaves the traffic array"),
    29: Point(what="`trafficWeight` is the configured weight"),
    30: Point(what="latestRevision serves the last ready revision; named weights ignore health"),
    31: Point(what="a failing revision under weight hangs", switch="`unready_hangs` of the data plane"),
    32: Point(what="the ready pointer trails; the operation succeeded all the same"),
    33: Point(what="states of a revision"),
    34: Point(
        what="ways to fail",
        switch="`POST /fates` of the control plane",
        missing="ours are the words for one that is ready no more, and for registries that do not answer",
    ),
    35: Point(what="unknown image: operation Failed, no revision"),
    36: Point(what="inactive: Provisioned, Healthy, Stopped; its error is gone"),
    37: Point(what="activate, deactivate, restart: 200 with a sentence, effect later"),
    38: Point(what="Single: the old one serves until the new one is ready"),
    39: Point(what="revisions: inactive too, oldest first", missing="of `$filter`, functions and arithmetic: 501"),
    40: Point(what="replicas, with a trailing slash too"),
    41: Point(what="overlapping write: 409", switch="`POST /trouble` kind `locked`"),
    42: Point(what="secrets: names only, values by listSecrets, missing references refused"),
    43: Point(what="no ETag; If-Match is not heeded"),
    44: Point(
        what="rate limit headers that count down and fill again; 429 on order",
        switch="`POST /trouble` kind `throttled`",
        missing="all is one region; the provider's own limit is told and refuses nothing",
    ),
    45: Point(what="api-version required and checked"),
    46: Point(what="members by api-version; unknown ones dropped"),
    47: Point(what="`Operation expired.` after 15 minutes", switch="`Profile.expires`, `POST /trouble` kind `slow`"),
    48: Point(what="pruning of inactive revisions", level="S"),
    49: Point(
        what="Labels mode in the three previews that have it, and the history of labels",
        level="S",
        missing="what is refused has codes of ours; what happens without ingress is not known: nothing is shut down",
    ),
    50: Point(
        what="httpRouteConfigs, maintenanceConfigurations",
        level="S",
        missing="customDomains: 501; the words of refusals are ours",
    ),
    51: Point(what="metrics: Requests by revision and kind", level="S", switch="`POST /metrics` delay"),
    52: Point(what="times with Z in PUT, without in GET", level="S"),
    53: Point(
        what="signed addresses of 5 kB",
        level="S",
        switch="`Profile.signature`: azure 4800, fast 400 characters",
        evidence="recorded since 2024",
    ),
    54: Point(what="a revision's template differs from its app's", level="S"),
    55: Point(what="a clock that tests move; latency as recorded", switch="`--profile azure` or `fast`"),
    56: Point(what="start and stop of an app: 202, Location", level="S", missing="in no recording"),
    57: Point(what="addresses from the Host header"),
    58: Point(what="recordings held again, also of 2022-06-01-preview"),
    59: Point(what="sticky sessions beside weights", level="K", missing="kept, not acted on"),
    60: Point(
        what="environments: Waiting, then Succeeded; no app before; 202 for changes; members by api-version", level="S"
    ),
}
