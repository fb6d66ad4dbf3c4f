"""Settings from the environment, read once, with every problem reported at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STORAGE = "AzureWebJobsStorage"
ACR_WEBHOOK_SECRET = "WEIGHBRIDGE_ACR_WEBHOOK_SECRET"  # noqa: S105 - the name of a setting
# Of the findings of Microsoft Defender Vulnerability Management in a registry's images; it was another before 2023
# (learn.microsoft.com/azure/defender-for-cloud/subassessment-rest-api).
MDVM_KEY = "c0b7cfc6-3172-465a-b378-53c7ff2cc0d5"
_KEY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
SHORTEST_SECRET = 16  # characters: fewer could be guessed by whoever tries long enough


class SettingsError(ValueError):
    """One line per missing or wrong setting: `setting: expected X, found Y`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defender:
    """How Microsoft Defender is asked for scans.

    keys: of the assessments whose rows are findings of a registry's images, in lower case. query: in the language of
    Azure Resource Graph, with {keys} and {digest} in it; "" for the built-in one.
    """

    keys: tuple[str, ...]
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the product needs to know about where it runs.

    storage: a connection string, or "" with storage_account set (then the identity is used).
    storage_tables, storage_queues: service URLs where they are not the account's public ones.
    identity: client id of the user-assigned identity, "" for the default credential chain.
    subscription: where `<group>/<app>` in a policy row is looked up.
    arm: base URL of Azure Resource Manager. arm_audience: scope of its tokens.
    logs: base URL of the Log Analytics query API. logs_audience: scope of its tokens. Both as azure-monitor-query 2.0.0
    has them; the documentation's newer api.loganalytics.azure.com is not an audience in every tenant yet.
    ca_file: extra certificates to trust, "" for the system's.
    probe_via: `host:port` that probes connect to instead of asking DNS (a private ingress), "" for DNS.
    registries: base URL per login server, where that is not `https://<login server>`.
    settle: age below which request metrics are not judged (METRICS_SETTLE).
    look_every: how often ARM and metrics are asked while nothing is wrong.
    signed_in: whether the platform signs people in (WEBSITE_AUTH_ENABLED); only then are its headers believed.
    page: base URL of this installation's HTTP API, for links in messages; "" leaves links out.
    defender: how images that wait for Defender are asked about; None: they are not.
    acr_webhook_secrets: any of which a registry's webhook may bear; () switches those webhooks off.
    """

    storage: str = ""
    storage_account: str = ""
    storage_tables: str = ""
    storage_queues: str = ""
    identity: str = ""
    subscription: str = ""
    arm: str = "https://management.azure.com"
    arm_audience: str = "https://management.azure.com/.default"
    logs: str = "https://api.loganalytics.io"
    logs_audience: str = "https://api.loganalytics.io/.default"
    ca_file: str = ""
    probe_via: str = ""
    registries: Mapping[str, str]
    settle: timedelta = timedelta(seconds=180)
    look_every: timedelta = timedelta(seconds=60)
    page: str = ""
    signed_in: bool = False
    acr_webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    defender: Defender | None = None


def _seconds(name: str, text: str, problems: list[str]) -> timedelta:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:  # noqa: PLR2004
        problems.append(f"{name}: expected seconds from 0 to 3600, found {text!r}")
        return timedelta()
    return timedelta(seconds=value)


def _registries(text: str, problems: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        server, equals, url = part.partition("=")
        if not equals or not url.startswith(("https://", "http://")):
            problems.append(f"WEIGHBRIDGE_REGISTRIES: expected login.server=https://host[,…], found {part!r}")
            continue
        found[server.strip().lower()] = url.strip().rstrip("/")
    return found


def _secrets(name: str, text: str, problems: list[str]) -> tuple[str, ...]:
    """Two of them, with a comma between, while one replaces the other."""
    found = tuple(filter(None, (part.strip() for part in text.split(","))))
    short = [str(len(secret)) for secret in found if len(secret) < SHORTEST_SECRET]
    if short:
        expected = f"secrets of at least {SHORTEST_SECRET} characters with a comma between"
        problems.append(f"{name}: expected {expected}, found one of {' and one of '.join(short)}")
    return found


def _defender(environ: Mapping[str, str], problems: list[str]) -> Defender | None:
    """None when it is off; what it is asked with is checked all the same."""
    switch = environ.get("WEIGHBRIDGE_DEFENDER", "off").strip().lower() or "off"
    if switch not in ("on", "off"):
        problems.append(f"WEIGHBRIDGE_DEFENDER: expected on or off, found {switch[:40]!r}")
    keys = environ.get("WEIGHBRIDGE_DEFENDER_KEYS", "").lower().replace(",", " ").split() or [MDVM_KEY]
    for key in keys:
        if _KEY.fullmatch(key) is None:
            expected = f"assessment keys with a comma between, as in {MDVM_KEY}"
            problems.append(f"WEIGHBRIDGE_DEFENDER_KEYS: expected {expected}, found {key[:40]!r}")
    query = environ.get("WEIGHBRIDGE_DEFENDER_QUERY", "").strip()
    if query and "{digest}" not in query:
        problems.append(f"WEIGHBRIDGE_DEFENDER_QUERY: expected a query with {{digest}} in it, found {query[:40]!r}")
    return Defender(keys=tuple(keys), query=query) if switch == "on" else None


def read(environ: Mapping[str, str]) -> Settings:
    """Build the settings; raise `SettingsError` that lists every problem."""
    problems: list[str] = []
    storage = environ.get(STORAGE, "")
    account = environ.get(f"{STORAGE}__accountName", "")
    tables = environ.get(f"{STORAGE}__tableServiceUri", "")
    queues = environ.get(f"{STORAGE}__queueServiceUri", "")
    if not (storage or account or (tables and queues)):
        problems.append(
            f"{STORAGE}: expected a connection string, {STORAGE}__accountName, or both "
            f"{STORAGE}__tableServiceUri and {STORAGE}__queueServiceUri; found none"
        )
    subscription = environ.get("WEIGHBRIDGE_SUBSCRIPTION", "")
    if not subscription:
        problems.append("WEIGHBRIDGE_SUBSCRIPTION: expected the subscription id of the apps, found none")
    via = environ.get("WEIGHBRIDGE_PROBE_VIA", "")
    if via and not via.rpartition(":")[2].isdecimal():
        problems.append(f"WEIGHBRIDGE_PROBE_VIA: expected host:port, found {via!r}")
    arm = environ.get("WEIGHBRIDGE_ARM", "https://management.azure.com").rstrip("/")
    if not arm.startswith("https://"):
        problems.append(f"WEIGHBRIDGE_ARM: expected an https:// address, found {arm!r}")
    logs = environ.get("WEIGHBRIDGE_LOGS", "https://api.loganalytics.io").rstrip("/")
    if not logs.startswith("https://"):
        problems.append(f"WEIGHBRIDGE_LOGS: expected an https:// address, found {logs!r}")
    settings = Settings(
        storage=storage,
        storage_account=account,
        storage_tables=tables,
        storage_queues=queues,
        identity=environ.get(f"{STORAGE}__clientId", ""),
        subscription=subscription,
        arm=arm,
        arm_audience=environ.get("WEIGHBRIDGE_ARM_AUDIENCE", "https://management.azure.com/.default"),
        logs=logs,
        logs_audience=environ.get("WEIGHBRIDGE_LOGS_AUDIENCE", "https://api.loganalytics.io/.default"),
        ca_file=environ.get("WEIGHBRIDGE_CA_FILE", ""),
        probe_via=via,
        registries=_registries(environ.get("WEIGHBRIDGE_REGISTRIES", ""), problems),
        settle=_seconds("METRICS_SETTLE", environ.get("METRICS_SETTLE", "180"), problems),
        look_every=_seconds("WEIGHBRIDGE_LOOK_EVERY", environ.get("WEIGHBRIDGE_LOOK_EVERY", "60"), problems),
        page=environ.get("WEIGHBRIDGE_PAGE", "").rstrip("/"),
        signed_in=environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true",
        defender=_defender(environ, problems),
        acr_webhook_secrets=_secrets(ACR_WEBHOOK_SECRET, environ.get(ACR_WEBHOOK_SECRET, ""), problems),
    )
    if problems:
        raise SettingsError("\n".join(problems))
    return settings
