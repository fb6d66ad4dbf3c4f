"""Which registries were ever heard from, and from which of their regions: rows `heard` of the table `names`.

`heard | <login server>` and `heard | <login server>|<region>`, each written once per process.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from delivery import names
from delivery.ports import Put
from delivery.reading import ask
from policies.pushes import plain_region
from policies.region import is_there
from rollouts.seen import AppSeen

if TYPE_CHECKING:
    from delivery.ports import Ports, Rows
    from policies.facts import Facts
    from rollouts.model import Image
    from rollouts.seen import Unknown

HEARD = "heard"


async def note(ports: Ports, registry: str, region: str = "") -> None:
    """Remember that an event of this registry came, and from where; nothing that this process has noted already."""
    keys = [registry, f"{registry}|{region}"] if region else [registry]
    news = [key for key in keys if key not in ports.heard]
    if news:
        at = ports.clock.now()
        await ports.rows.commit(names.NAMES, HEARD, [Put(key=key, columns={"at": at}) for key in news])
        ports.heard.update(news)


async def regions(rows: Rows, registry: str) -> frozenset[str]:
    """Every region of a registry that was ever heard from: 1 read."""
    found = await rows.scan(names.NAMES, HEARD, first=f"{registry}|", last=f"{registry}|{names.LAST}")
    return frozenset(row.key.partition("|")[2] for row in found)


async def placed(rows: Rows, facts: Facts, image: Image, seen: AppSeen | Unknown | None) -> Facts:
    """These facts with the app's region, and with the registry's where the image was not heard from it: 1 read then."""
    facts = replace(facts, location=plain_region(seen.location) if isinstance(seen, AppSeen) else "")
    if not facts.location or is_there(image, facts):
        return facts
    return replace(facts, regions=await ask(regions(rows, image.registry)))
