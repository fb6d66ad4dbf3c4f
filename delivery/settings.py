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
OURS = "WEIGHBRIDGE_"
SECRETS = "WEIGHBRIDGE_SECRET_"  # what the names of the secrets of channels begin with; rows name them
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}", re.ASCII)
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
    site: name of the function app (WEBSITE_SITE_NAME), "" elsewhere than on the platform.
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
    site: str = ""
    signed_in: bool = False
    acr_webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    defender: Defender | None = None


class _Environment:
    """The environment as it is read: which settings were asked for, and everything that is wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.asked: list[str] = []
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """The text, or the default where it is missing or blank, as a setting emptied in the portal is."""
        self.asked.append(name)
        return self._environ.get(name, "").strip() or default

    def wrong(self, name: str, expected: str, found: str) -> None:
        self.problems.append(f"{name}: expected {expected}, found {found}")

    def matching(self, name: str, pattern: re.Pattern[str], expected: str) -> str:
        """A text of the pattern, in lower case, or ""."""
        found = self.text(name).lower()
        if found and pattern.fullmatch(found) is None:
            self.wrong(name, expected, repr(found[:80]))
        return found

    def address(self, name: str, default: str = "") -> str:
        """An https:// address without a slash at its end, or the default."""
        found = self.text(name, default).rstrip("/")
        if found and not found.startswith("https://"):
            self.wrong(name, "an https:// address", repr(found[:80]))
        return found

    def seconds(self, name: str, default: str) -> timedelta:
        found = self.text(name, default)
        try:
            value = float(found)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 3600:  # noqa: PLR2004
            self.wrong(name, "seconds from 0 to 3600", repr(found[:80]))
            return timedelta()
        return timedelta(seconds=value)

    def misspelt(self) -> None:
        """Name what is set and read by nobody, and looks as if it should be."""
        from difflib import get_close_matches  # noqa: PLC0415 - only where there is such a name

        for name in sorted(self._environ):
            if not name.startswith(OURS) or name.startswith(SECRETS) or name in self.asked:
                continue
            ours = {known.removeprefix(OURS): known for known in self.asked if known.startswith(OURS)}
            near = get_close_matches(name.removeprefix(OURS)[:64], ours, n=1, cutoff=0.75)
            if near:
                self.problems.append(f"{name}: no such setting; did you mean {ours[near[0]]}?")


def _storage(env: _Environment) -> tuple[str, str, str, str]:
    """Connection string, account, and the addresses of its tables and queues: one way to the storage, not two."""
    connection, account = env.text(STORAGE), env.matching(f"{STORAGE}__accountName", _ACCOUNT, "a storage account")
    tables, queues = env.text(f"{STORAGE}__tableServiceUri"), env.text(f"{STORAGE}__queueServiceUri")
    if connection and "=" not in connection:  # it may hold a key, so it is never repeated
        env.wrong(STORAGE, "a connection string", "a text without an equals sign")
    if connection and account:
        env.wrong(STORAGE, f"no connection string beside {STORAGE}__accountName", "both")
    if not (connection or account or (tables and queues)):
        ways = f"a connection string, {STORAGE}__accountName, or both"
        found = "one of the two" if tables or queues else "none"
        env.wrong(STORAGE, f"{ways} {STORAGE}__tableServiceUri and {STORAGE}__queueServiceUri", found)
    return connection, account, tables, queues


def _registries(env: _Environment) -> dict[str, str]:
    name, found = "WEIGHBRIDGE_REGISTRIES", dict[str, str]()
    for part in filter(None, (piece.strip() for piece in env.text(name).split(","))):
        server, equals, url = part.partition("=")
        if not equals or not url.startswith(("https://", "http://")):
            env.wrong(name, "login.server=https://host[,…]", repr(part))
            continue
        found[server.strip().lower()] = url.strip().rstrip("/")
    return found


def _secrets(env: _Environment, name: str) -> tuple[str, ...]:
    """Two of them, with a comma between, while one replaces the other."""
    found = tuple(filter(None, (part.strip() for part in env.text(name).split(","))))
    short = [str(len(secret)) for secret in found if len(secret) < SHORTEST_SECRET]
    if short:
        expected = f"secrets of at least {SHORTEST_SECRET} characters with a comma between"
        env.wrong(name, expected, f"one of {' and one of '.join(short)}")
    return found


def _defender(env: _Environment) -> Defender | None:
    """None when it is off; what it is asked with is checked all the same."""
    switch = env.text("WEIGHBRIDGE_DEFENDER", "off").lower()
    if switch not in ("on", "off"):
        env.wrong("WEIGHBRIDGE_DEFENDER", "on or off", repr(switch[:40]))
    keys = env.text("WEIGHBRIDGE_DEFENDER_KEYS").lower().replace(",", " ").split() or [MDVM_KEY]
    for key in keys:
        if _GUID.fullmatch(key) is None:
            expected = f"assessment keys with a comma between, as in {MDVM_KEY}"
            env.wrong("WEIGHBRIDGE_DEFENDER_KEYS", expected, repr(key[:40]))
    query = env.text("WEIGHBRIDGE_DEFENDER_QUERY")
    if query and "{digest}" not in query:
        env.wrong("WEIGHBRIDGE_DEFENDER_QUERY", "a query with {digest} in it", repr(query[:40]))
    return Defender(keys=tuple(keys), query=query) if switch == "on" else None


def _probe_via(env: _Environment) -> str:
    via = env.text("WEIGHBRIDGE_PROBE_VIA")
    host, _, port = via.rpartition(":")
    if via and not (host and port.isdecimal()):
        env.wrong("WEIGHBRIDGE_PROBE_VIA", "host:port", repr(via))
    return via


def read(environ: Mapping[str, str]) -> Settings:
    """Build the settings; raise `SettingsError` that lists every problem."""
    env = _Environment(environ)
    storage, account, tables, queues = _storage(env)
    settings = Settings(
        storage=storage,
        storage_account=account,
        storage_tables=tables,
        storage_queues=queues,
        identity=env.matching(f"{STORAGE}__clientId", _GUID, "the client id of an identity"),
        subscription=env.matching("WEIGHBRIDGE_SUBSCRIPTION", _GUID, "the subscription id of the apps"),
        arm=env.address("WEIGHBRIDGE_ARM", "https://management.azure.com"),
        arm_audience=env.text("WEIGHBRIDGE_ARM_AUDIENCE", "https://management.azure.com/.default"),
        logs=env.address("WEIGHBRIDGE_LOGS", "https://api.loganalytics.io"),
        logs_audience=env.text("WEIGHBRIDGE_LOGS_AUDIENCE", "https://api.loganalytics.io/.default"),
        ca_file=env.text("WEIGHBRIDGE_CA_FILE"),
        probe_via=_probe_via(env),
        registries=_registries(env),
        settle=env.seconds("METRICS_SETTLE", "180"),
        look_every=env.seconds("WEIGHBRIDGE_LOOK_EVERY", "60"),
        page=env.address("WEIGHBRIDGE_PAGE"),
        site=env.text("WEBSITE_SITE_NAME"),
        signed_in=env.text("WEBSITE_AUTH_ENABLED").lower() == "true",
        defender=_defender(env),
        acr_webhook_secrets=_secrets(env, ACR_WEBHOOK_SECRET),
    )
    if not settings.subscription:
        env.wrong("WEIGHBRIDGE_SUBSCRIPTION", "the subscription id of the apps", "none")
    env.misspelt()
    if env.problems:
        raise SettingsError("\n".join(env.problems))
    return settings


def problems(environ: Mapping[str, str]) -> list[str]:
    """Everything that is missing or wrong, for who starts up: without it each event would fail before it is read."""
    try:
        read(environ)
    except SettingsError as error:
        return str(error).splitlines()
    return []
