"""Whether an image has reached the app's region: geo-replication copies it there some time after the push.

Until then a pull there may fail or find another digest under the tag
(learn.microsoft.com/azure/container-registry/container-registry-geo-replication). Which regions have replicas is known
only by the events that came from them, so this gate holds nobody up for long, and never for a region that was never
heard from.
"""

from __future__ import annotations

from datetime import timedelta

from policies.durations import say_duration
from policies.facts import Facts
from policies.gate import Asked, cannot_tell, is_open, is_waiting
from rollouts.findings import Finding
from rollouts.model import Image
from rollouts.seen import Unknown

PATIENCE = timedelta(minutes=15)  # counted from when the image was offered


def is_there(image: Image, facts: Facts) -> bool:
    """Whether an event told of the image in the app's region."""
    return any(push.repository == image.repository and facts.location in push.spans for push in facts.pushes)


def region(asked: Asked) -> Finding:
    """Open once an event told of the image in the app's region, or when none can be waited for."""
    image, facts, here = asked.image, asked.facts, asked.facts.location
    if isinstance(facts.images, Unknown):
        return cannot_tell("region", facts.images, asked.now)
    if not here:
        return is_open("region", "the app does not tell its region")
    if is_there(image, facts):
        return is_open("region", f"the image is in {here}")
    if isinstance(facts.regions, Unknown):
        return cannot_tell("region", facts.regions, asked.now)
    if here not in facts.regions:
        return is_open("region", f"{image.registry} is not known to have a replica in {here}")
    if facts.regions == {here}:
        return is_open("region", f"{image.registry} is known in {here} alone")
    limit = facts.offered_at + PATIENCE
    if asked.now < limit:
        because = f"not heard of in {here} yet; waits until {limit:%H:%M} UTC, then starts all the same"
        return is_waiting("region", because, limit)
    return is_open("region", f"not heard of in {here} within {say_duration(PATIENCE)}; the pull will tell")
