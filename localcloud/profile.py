"""How slow the local cloud is: as slow as Azure, or as fast as its answers stay true."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_P90 = 1.2815515655446004  # standard deviations from the median to the ninetieth percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Log-normal through two percentiles, in seconds: most are near the median, a few take far longer."""

    p50: float
    p90: float

    def draw(self, chance: Random) -> float:
        """One latency, in seconds."""
        return self.p50 * math.exp(chance.gauss(0.0, 1.0) * math.log(self.p90 / self.p50) / _P90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All in seconds of the local cloud's clock.

    put, patch, delete: from the answer to the end of the operation; that it failed is told half-way.
    environment: the same of making or changing an environment; environment_delete: of deleting one.
    activate: from the answer to a (de)activation until it begins. drain: how long a revision stays Deprovisioning.
    ready_lag: how long `latestReadyRevisionName` trails the revision's own state.
    progress: after this long without a ready replica a revision is Degraded.
    expires: an operation that would take longer fails as expired.
    metrics_delay: how late request counts appear. logs_delay: how late rows of logs and telemetry do.
    signature: length of the signature in the addresses of operations; Azure's make them about 5 kB long.
    """

    name: str
    put: Latency
    patch: Latency
    delete: Latency
    environment: Latency
    environment_delete: Latency
    activate: float
    drain: float
    ready_lag: float
    progress: float
    metrics_delay: float
    logs_delay: float
    signature: int
    expires: float = 900


# Operations: p50 and p90 of 762 recorded ones; of environments half a dozen were seen, from 34 s to more than 150 s,
# and one deletion. Draining: 20 to 45 s were seen. Metrics: 3 to 5 minutes. Logs: 20 s to 3 minutes
# (learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time).
AZURE = Profile(
    name="azure",
    put=Latency(p50=8, p90=15),
    patch=Latency(p50=10, p90=18),
    delete=Latency(p50=17, p90=30),
    environment=Latency(p50=100, p90=150),
    environment_delete=Latency(p50=560, p90=700),
    activate=2,
    drain=30,
    ready_lag=5,
    progress=600,
    metrics_delay=200,
    logs_delay=120,
    signature=4800,
)
FAST = Profile(
    name="fast",
    put=Latency(p50=0.1, p90=0.15),
    patch=Latency(p50=0.1, p90=0.15),
    delete=Latency(p50=0.1, p90=0.15),
    environment=Latency(p50=0.1, p90=0.15),
    environment_delete=Latency(p50=0.1, p90=0.15),
    activate=0.05,
    drain=0.5,
    ready_lag=0,
    progress=60,
    metrics_delay=0,
    logs_delay=0,
    signature=400,
)
