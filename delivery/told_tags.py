"""The tags that events told an image was pushed under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery import names
from policies.evidence import evidence_partition
from policies.pushes import push_from_columns

if TYPE_CHECKING:
    from delivery.ports import Ports
    from rollouts.model import Image


async def of(ports: Ports, image: Image) -> tuple[str, ...]:
    """The tags of a digest in its repository, the one that was pushed last first; () when no event told."""
    partition = evidence_partition(image.registry, image.digest)
    rows = await ports.rows.scan(names.EVIDENCE, partition, first="push:", last="push:~")
    pushes = [push_from_columns(f"evidence/{row.partition}/{row.key}", row.columns) for row in rows]
    mine = [push for push in pushes if push.repository == image.repository and push.tag]
    return tuple(push.tag for push in sorted(mine, key=lambda push: push.pushed_at, reverse=True))
