"""What becomes of anything that is heard: kept as evidence, ignored, or parked, for it would be no better next time."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from delivery.errors import Malformed, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from delivery.ports import Ports
    from handlers.decode import Ignored
    from policies.evidence import ScanEvidence
    from policies.pushes import PushEvidence

T = TypeVar("T", "PushEvidence", "ScanEvidence")
UNSTORABLE = (400, 413)  # the store's answer to a row that it will never take
log = logging.getLogger("weighbridge.events")


class Became(StrEnum):
    """What became of it."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    PARKED = "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One thing heard. because: why it was ignored or parked. apps: how many were woken."""

    became: Became
    because: str = ""
    apps: int = 0


async def hear(
    ports: Ports,
    source: str,
    text: str,
    read: Callable[[str], T | Ignored],
    keep: Callable[[Ports, T], Awaitable[tuple[str, ...]]],
) -> Heard:
    """Read and keep something; raises what the store raises where a repeat may mend it.

    source: what it came as, as in `event image_pushed`.
    """
    from delivery import doctor_call, parking
    from handlers.decode import Called, Ignored

    try:
        evidence = read(text)
        if isinstance(evidence, Called):
            await doctor_call.hear(ports, evidence.call, evidence.way)
        if isinstance(evidence, Ignored):
            log.info("%s: ignored, %s", source, evidence.because)
            return Heard(became=Became.IGNORED, because=evidence.because)
        woken = await keep(ports, evidence)
    except (Malformed, Refused) as error:
        if isinstance(error, Refused) and error.status not in UNSTORABLE:
            raise
        key = await parking.park(ports, source, text, str(error))
        log.warning("%s: parked as %s: %s", source, key, error)
        return Heard(became=Became.PARKED, because=str(error))
    log.info("%s: %s@%s woke %d apps", source, evidence.repository, evidence.digest[:19], len(woken))
    return Heard(became=Became.ACCEPTED, apps=len(woken))


async def hear_event(ports: Ports, source: str, event: str) -> Heard:
    """Hear an event of Event Grid that came by a way which both pushes and scans take."""
    from delivery import intake
    from handlers import decode

    if decode.is_scan(event):
        return await hear(ports, source, event, decode.scan_completed, intake.scan_completed)
    return await hear(ports, source, event, decode.image_pushed, intake.image_pushed)
