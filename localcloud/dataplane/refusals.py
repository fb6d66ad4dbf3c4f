"""Why an image cannot be had, as Container Apps words it: what it asked, without the address, and what it was told.

Told by many whose operation failed so, for instance of the lab acr-pull-failure in
github.com/yeongseon/azure-container-apps-practical-guide; the one of the platform by those who built on other machines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from localcloud.dataplane.model import PullError

if TYPE_CHECKING:
    from localcloud.dataplane.pull import Reference

_SAID = {"UNAUTHORIZED": "authentication required", "DENIED": "requested access to the resource is denied"}


def refused(reference: Reference, code: str, name: str, *, status: int = 0, hint: str = "") -> PullError:
    """By a registry. name: the tag or digest asked for. status: of its answer. hint: what the local cloud adds."""
    if code in _SAID:
        scope = quote(f"repository:{reference.repository}:pull", safe="")
        said = f"{_SAID[code]}; {hint}" if hint else _SAID[code]
        return PullError(code, said, f"GET https:?scope={scope}&service={reference.registry}: {code}: {said}")
    if code == "MANIFEST_UNKNOWN" and not name.startswith("sha256:"):
        said = f'manifest tagged by "{name}" is not found; map[Tag:{name}]'
        return PullError(code, said, f"GET https:: {code}: {said}")
    return PullError(code, f"{reference.repository}@{name}: the registry answered {status}")


def no_child(image: str) -> PullError:
    """An index has nothing for the one platform that Container Apps runs."""
    said = f"no child with platform linux/amd64 in index {image}"
    return PullError("MANIFEST_UNKNOWN", said, said)
