"""The environment that leads clients (the Azure CLI, curl, an SDK) to a local cloud, and nowhere else."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def environment(at: Mapping[str, str]) -> dict[str, str]:
    """Variables by their names. at: the endpoints of a local cloud; each is also `LOCALCLOUD_<NAME>`.

    The Azure CLI keeps this cloud's sign-in in the cloud's own folder: a person's real one is not touched.
    """
    return {
        "AZURE_CONFIG_DIR": str(Path(at["ca"]).parent / "azure"),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",  # else MSAL asks the public cloud whether it knows ours
        "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        "REQUESTS_CA_BUNDLE": at["ca"],
        "CURL_CA_BUNDLE": at["ca"],
        "SSL_CERT_FILE": at["ca"],
        "IDENTITY_ENDPOINT": at["identity_endpoint"],
        "IDENTITY_HEADER": at["identity_header"],
        "https_proxy": at["proxy"],
        "http_proxy": at["proxy"],
        "no_proxy": "127.0.0.1",  # not "localhost", which would stand for every host of the cloud's domain too
        **{f"LOCALCLOUD_{name.upper()}": value for name, value in at.items()},
    }


def write_exports(at: Mapping[str, str], path: Path) -> None:
    """As a file for a shell to read, for its owner only: it holds secrets."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment(at).items()))
