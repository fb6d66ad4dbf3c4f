"""What a local cloud is started with, and the names that each of them has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localcloud.arm.knobs import Knobs
from localcloud.profile import AZURE, FAST, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = "rg-local"
ENVIRONMENT = "env-local"
DOMAIN = "wb.localhost"
# One certificate covers every environment that may come; as on Azure, its domain does not tell an environment's name.
DOMAINS = tuple(f"env{n}.{DOMAIN}" for n in range(1, 17))
REGISTRY = "weighbridge"
LOGIN_SERVER = f"{REGISTRY}.azurecr.io"
REGISTRY_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.ContainerRegistry/registries/{REGISTRY}"
)
PROFILES: Mapping[str, Profile] = {"fast": FAST, "azure": AZURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to start. root: where `.work` is. app: the folder of a function app, None: no Functions host.

    settings: a JSON file of app settings, in which `{name}` stands for an endpoint of this cloud.
    ingress: the port of the HTTP ingress, control: that of the control plane; 0 for a free one. seed: of latencies and
    of the names Azure makes up, "" for the profile's own. knobs: what Azure is not known well enough for.
    host: arguments of the Functions host, instances: how many run. engine: a program that runs images of other
    registries, such as `docker`; "": none, then public samples have stand-ins, and others cannot be pulled. state: a
    folder that keeps what there is, None: it goes with this cloud.
    """

    root: Path
    app: Path | None = None
    settings: Path | None = None
    profile: str = "fast"
    ingress: int = 0
    control: int = 0
    seed: str = ""
    knobs: Knobs = field(default_factory=Knobs)
    engine: str = ""
    state: Path | None = None
    more: Mapping[str, str] = field(default_factory=dict)
    host: tuple[str, ...] = ()
    instances: int = 1
