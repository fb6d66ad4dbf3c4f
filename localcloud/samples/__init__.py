"""Images of one small web app in the states a rollout meets: good, failing, late, crashing, slow, on the wrong port."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.images import build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.images import Image

_FILES = {f"/app/{name}": Path(__file__).with_name(name) for name in ("telemetry.py", "web.py")}
_ENTRYPOINT = ("python3", "/app/web.py")


def good(version: str) -> Image:
    """Answers every request."""
    return _image(version, {})


def bad(version: str, fail_share: float = 0.2) -> Image:
    """Fails this share of its requests, and looks healthy to a probe of `/healthz`."""
    return _image(version, {"FAIL_SHARE": str(fail_share)})


def late(version: str, seconds: float) -> Image:
    """Answers every request, each of them only after these seconds."""
    return _image(version, {"DELAY": str(seconds)})


def crash(version: str) -> Image:
    """Ends before it listens, each time."""
    return _image(version, {"CRASH": "1"})


def slow(version: str, seconds: float = 3.0) -> Image:
    """Listens only after these seconds."""
    return _image(version, {"SLOW_START": str(seconds)})


def portmismatch(version: str) -> Image:
    """Runs, and listens where the ingress does not look."""
    return _image(version, {"OTHER_PORT": "1"})


def _image(version: str, env: Mapping[str, str]) -> Image:
    return build(
        {name: file.read_bytes() for name, file in _FILES.items()},
        entrypoint=_ENTRYPOINT,
        env={"VERSION": version, **env},
        labels={"org.opencontainers.image.version": version},
    )
