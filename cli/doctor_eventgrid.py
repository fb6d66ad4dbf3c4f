"""Event Grid's side of an installation, as the person who is signed in may see it: topics, subscriptions, dead letters.

Property names: learn.microsoft.com/rest/api/eventgrid/controlplane/event-subscriptions/get and
learn.microsoft.com/azure/event-grid/monitor-push-reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli.arm import AzureSaysError
from cli.diagnosis import Diagnosis, wrong
from policies.events import CALLED, PUSHED, SCANNED

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from cli.arm import Arm

Json = dict[str, Any]
VERSION, METRICS = "2025-02-15", "2018-01-01"
QUEUE = "events"
GIVEN_UP = ("DeadLetteredCount", "DroppedEventCount")
DEPLOYS = "who deploys Weighbridge"
AGAIN = "azd hooks run postdeploy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A topic and what of it must be delivered. topic: its name, for people. needed: else something is broken."""

    topic: str
    function: str
    needed: tuple[str, ...]
    useful: tuple[str, ...] = ()


def of_registry(name: str) -> Wanted:
    """Pushes of a registry."""
    return Wanted(topic=name, function="image_pushed", needed=(PUSHED,))


def of_scans(name: str) -> Wanted:
    """Scans; doctor's own test event goes the same way."""
    return Wanted(topic=name, function="scan_completed", needed=(SCANNED,), useful=(CALLED,))


def pushes(arm: Arm, registries: Sequence[str], heard: Container[str], site: str) -> list[Diagnosis]:
    """Each registry's system topic and its subscriptions. site: name of the function app, "" when nobody told it.

    heard: registries that events came of, so by another way where there is no topic.
    """
    try:
        topics = _listed(arm, "systemTopics")
    except AzureSaysError as error:
        return [_not_asked("topic", "", error)]
    found: list[Diagnosis] = []
    for registry in registries:
        name = registry.partition(".")[0].partition("-")[0]
        topic = next((one for one in topics if _source(one).endswith(f"/registries/{name}")), None)
        found += _of_topic(arm, topic, of_registry(registry), site, mild=registry in heard)
    return found


def scans(arm: Arm, name: str, site: str) -> list[Diagnosis]:
    """The topic of scans. name: "" when nobody told it."""
    if not name:
        do = "export what azd tells (docs/doctor.md), or --scans-topic NAME"
        return [wrong("topic", "scans", "nobody said which it is", "its name", "you", do, mild=True)]
    try:
        topic = next((one for one in _listed(arm, "topics") if one.get("name") == name), None)
    except AzureSaysError as error:
        return [_not_asked("topic", name, error)]
    return _of_topic(arm, topic, of_scans(name), site)


def _of_topic(arm: Arm, topic: Json | None, wanted: Wanted, site: str, *, mild: bool = False) -> list[Diagnosis]:
    if topic is None:
        found = f"none in the subscription {arm.subscription}"
        expected = "a topic, or webhooks of the registry" if mild else "a topic"
        do = f"{AGAIN}; where it is in another subscription: --subscription ID"
        return [wrong("topic", wanted.topic, found, expected, DEPLOYS, do, mild=mild)]
    there = Diagnosis(check="topic", subject=wanted.topic, found=str(topic.get("name")))
    try:
        subscriptions = arm.ask("GET", f"{topic['id']}/eventSubscriptions", VERSION).get("value") or []
        return [there, *subscribed(wanted, subscriptions, site), _undelivered(arm, str(topic["id"]), wanted)]
    except AzureSaysError as error:
        return [there, _not_asked("subscription", wanted.topic, error)]


def subscribed(wanted: Wanted, subscriptions: Sequence[Json], site: str) -> list[Diagnosis]:
    """What is right and wrong with a topic's subscriptions to this function app."""
    ours = [one for one in subscriptions if delivers(_properties(one), wanted.function, site)]
    if not ours:
        names = ", ".join(str(one.get("name")) for one in subscriptions) or "none"
        found = f"{len(subscriptions)} subscriptions ({names}), none to {wanted.function} of {site or 'a function app'}"
        expected = "one to that function, or to the queue `events`"
        return [wrong("subscription", wanted.topic, found, expected, DEPLOYS, AGAIN)]
    return [one for each in ours for one in _judged(wanted, each)]


def _judged(wanted: Wanted, subscription: Json) -> list[Diagnosis]:
    properties, name = _properties(subscription), f"{wanted.topic}/{subscription.get('name')}"
    state = properties.get("provisioningState")
    types: list[str] = _part(properties, "filter").get("includedEventTypes") or []
    lacks = [kind for kind in (*wanted.needed, *wanted.useful) if types and kind not in types]
    found = []
    if state != "Succeeded":
        do = f"az resource delete --ids {subscription.get('id')}; {AGAIN}"
        found.append(wrong("subscription", name, f"provisioning is {state}", "Succeeded", DEPLOYS, do))
    if lacks:
        mild = not set(lacks) & set(wanted.needed)
        expected = f"{' and '.join(lacks)} among its event types"
        found.append(wrong("subscription", name, f"delivers {', '.join(types)}", expected, DEPLOYS, AGAIN, mild=mild))
    if not found:
        kind = _destination(properties).get("endpointType")
        found.append(Diagnosis(check="subscription", subject=name, found=f"Succeeded, delivers by {kind}"))
    return [*found, _kept(name, properties)]


def _kept(name: str, properties: Json) -> Diagnosis:
    direct = properties.get("deadLetterDestination")
    if direct or _part(properties, "deadLetterWithResourceIdentity").get("deadLetterDestination"):
        return Diagnosis(check="dead-letter", subject=name, found="what cannot be delivered is kept")
    expected = "a dead-letter destination: an event that is refused is gone without a trace"
    return wrong("dead-letter", name, "none", expected, DEPLOYS, AGAIN, mild=True)


def delivers(properties: Json, function: str, site: str) -> bool:
    """Whether the destination is this function of this function app, or the queue of events."""
    destination = _destination(properties)
    of = _part(destination, "properties")
    match destination.get("endpointType"):
        case "AzureFunction":
            path = str(of.get("resourceId") or "").lower()
            return path.endswith(f"{f'/sites/{site}'.lower() if site else ''}/functions/{function}")
        case "StorageQueue":
            return of.get("queueName") == QUEUE
        case "WebHook":
            host = urlsplit(str(of.get("endpointBaseUrl") or "")).hostname or ""
            return bool(site) and host.partition(".")[0] == site.lower()
        case _:
            return False


def _undelivered(arm: Arm, topic: str, wanted: Wanted) -> Diagnosis:
    now = datetime.now(UTC)
    span = f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}/{now:%Y-%m-%dT%H:%M:%SZ}"
    query = {"metricnames": ",".join(GIVEN_UP), "timespan": span, "interval": "P1D", "aggregation": "total"}
    try:
        answer = arm.ask("GET", f"{topic}/providers/Microsoft.Insights/metrics", METRICS, **query)
    except AzureSaysError as error:
        return _not_asked("undelivered", wanted.topic, error)
    count = sum(_total(one) for one in answer.get("value") or [])
    if not count:
        return Diagnosis(check="undelivered", subject=wanted.topic, found="none in a day")
    do = "az storage blob list --auth-mode login --account-name $AZURE_STORAGE_ACCOUNT_NAME -c dead-letter; "
    do += "mend why; weighbridge replay FILE"
    return wrong("undelivered", wanted.topic, f"{count:.0f} in a day", "none", "on call", do, mild=True)


def _total(metric: Json) -> float:
    points = [point for series in metric.get("timeseries") or [] for point in series.get("data") or []]
    return sum(float(point.get("total") or 0) for point in points)


def _listed(arm: Arm, kind: str) -> list[Json]:
    path = f"/subscriptions/{arm.subscription}/providers/Microsoft.EventGrid/{kind}"
    return list(arm.ask("GET", path, VERSION).get("value") or [])


def _source(topic: Json) -> str:
    return str(_properties(topic).get("source") or "").lower()


def _properties(one: Json) -> Json:
    return _part(one, "properties")


def _destination(properties: Json) -> Json:
    whole = _part(properties, "destination")
    return whole or _part(_part(properties, "deliveryWithResourceIdentity"), "destination")


def _part(whole: Mapping[str, Any], name: str) -> Json:
    found = whole.get(name)
    return found if isinstance(found, dict) else {}


def _not_asked(check: str, subject: str, error: AzureSaysError) -> Diagnosis:
    do = "az login, and Reader on the topic's resource group"
    return wrong(check, subject, f"could not be asked: {error}", "an answer", "you", do, mild=True)
