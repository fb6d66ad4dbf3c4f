"""How many requests are left: buckets of tokens that fill by the clock, and the headers that tell of them.

learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling: for a principal in a
subscription 25 reads a second, 10 writes and 10 deletes, and for all principals of a subscription together 15 times
that; until 2024 it was 12000, 1200 and 15000 an hour. How many there are at once is told otherwise there (250 and 200)
than by recorded answers (October 2024 to 2025: 799 writes and deletes left, 11999 and 16499 of all), which count here.
Which header an answer has was recorded: a PUT or PATCH of Container Apps has the provider's own, a read had none and
later the global one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import jwt

from localcloud.arm import days
from localcloud.arm.errors import ArmError, throttled

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.arm.calls import Call
    from localcloud.arm.knobs import Knobs
    from localcloud.clock import Clock

_HEADER = "x-ms-ratelimit-remaining-subscription-"
_HOUR = 3600.0
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE)
_UNCOUNTED = "/providers/microsoft.app/getcustomdomainverificationid"  # recorded in the test of its name
_COUNTED = re.compile(r"/providers/Microsoft\.App/(containerApps|managedEnvironments)/[^/]+/?$", re.IGNORECASE)
_KINDS = {"GET": "read", "HEAD": "read", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Limit:
    """name: as in the header. rate: tokens a second. shared: by all principals. of: what it counts alone."""

    name: str
    size: float
    rate: float
    shared: bool = False
    of: str = ""


def _hourly(name: str, size: float) -> Limit:
    return Limit(name, size, size / _HOUR)


_BEFORE = {
    "read": (_hourly("reads", 12000),),
    "write": (_hourly("writes", 1200),),
    "delete": (_hourly("deletes", 15000),),
}
_NOW = {
    "read": (Limit("reads", 1100, 25), Limit("global-reads", 16500, 375, shared=True)),
    "write": (Limit("writes", 800, 10), Limit("global-writes", 12000, 150, shared=True)),
    "delete": (Limit("deletes", 800, 10), Limit("global-deletes", 12000, 150, shared=True)),
}
# The provider's own, recorded as 700 of an app, 500 up to 2022-10-01, and 100 of an environment, since 2025 800 of
# either. That providers count by the hour is that page's word of 2024; recorded is a rise from 697 to 700 within 18 s,
# which fits.
_OF_APPS, _OF_APPS_2022 = _hourly("resource-requests", 700), _hourly("resource-requests", 500)
_OF_ENVIRONMENTS, _OF_EITHER = _hourly("resource-requests", 100), _hourly("resource-requests", 800)


def principal(authorization: str) -> str:
    """Who asks: the object id that a bearer token says, "" without one. Nobody's signature is checked here."""
    try:
        claims = jwt.decode(authorization.removeprefix("Bearer "), options={"verify_signature": False})
    except jwt.PyJWTError:
        return ""
    return str(claims.get("oid") or "")


def refusal(call: Call, seconds: int) -> ArmError:
    """429 for this request, to be made again after these seconds."""
    return throttled(_KINDS.get(call.method, "write"), _subscription(call), call.principal, seconds)


def untold(left: dict[str, str]) -> dict[str, str]:
    """The headers of an answer for which the provider was not asked, or which it does not count."""
    return {name: tokens for name, tokens in left.items() if name != f"{_HEADER}{_OF_APPS.name}"}


class Limits:
    """Requests of each principal in each subscription. Only those that the switches name are refused."""

    def __init__(self, clock: Clock, knobs: Knobs) -> None:
        self._clock, self._knobs = clock, knobs
        self._buckets: dict[tuple[str, str, Limit], tuple[float, datetime]] = {}

    def clear(self) -> None:
        """Every bucket is full again."""
        self._buckets.clear()

    def take(self, call: Call) -> dict[str, str]:
        """One request: the headers of its answer. Raises ArmError 429 with the seconds until there is another."""
        if _SUBSCRIPTION.match(call.path) is None or call.path.lower().endswith(_UNCOUNTED):
            return {}
        kind = _KINDS.get(call.method, "write")
        limits = (_BEFORE if call.day < days.BUCKETS else _NOW)[kind]
        limited = self._knobs.reads if kind == "read" else self._knobs.writes
        if limited == "limited":
            self._check(call, limits)
        left = {limit.name: self._draw(call, limit) for limit in limits}
        own = _own(call) if call.method in ("PUT", "PATCH") else None
        left.pop("reads", None)
        shown = left if own is None else {own.name: self._draw(call, own)}
        return {f"{_HEADER}{name}": str(tokens) for name, tokens in shown.items()}

    def _check(self, call: Call, limits: tuple[Limit, ...]) -> None:
        for limit in limits:
            left = self._left(call, limit)
            if left < 1:
                raise refusal(call, math.ceil((1 - left) / limit.rate))

    def _draw(self, call: Call, limit: Limit) -> int:
        left = max(0.0, self._left(call, limit) - 1)
        self._buckets[_key(call, limit)] = (left, self._clock.now())
        return int(left)

    def _left(self, call: Call, limit: Limit) -> float:
        now = self._clock.now()
        left, at = self._buckets.get(_key(call, limit), (limit.size, now))
        return min(limit.size, left + limit.rate * (now - at).total_seconds())


def _key(call: Call, limit: Limit) -> tuple[str, str, Limit]:
    return "" if limit.shared else call.principal, _subscription(call).lower(), limit


def _subscription(call: Call) -> str:
    found = _SUBSCRIPTION.match(call.path)
    return found[1] if found else ""


def _own(call: Call) -> Limit | None:
    """The provider counts apps and environments, and not what belongs to one (recorded)."""
    kind = _COUNTED.search(call.path)
    if kind is None:
        return None
    if call.day >= days.OWN:
        return replace(_OF_EITHER, of=kind[1].lower())
    if kind[1].lower() == "managedenvironments":
        return _OF_ENVIRONMENTS
    return _OF_APPS_2022 if call.version < "2022-11" else _OF_APPS
