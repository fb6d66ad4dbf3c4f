"""The file of shell variables says what it was given, and says it to its owner only."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from localcloud.client import environment, write_exports

if TYPE_CHECKING:
    from pathlib import Path

AT = {
    "ca": "/tmp/a cloud/ca.pem",  # noqa: S108 - a path, not a file
    "proxy": "http://127.0.0.1:1",
    "identity_endpoint": "http://127.0.0.1:2/msi/token",
    "identity_header": 'it\'s "$secret"',
}


def test_a_shell_reads_back_every_variable_as_it_was(tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.write_text("an older one")
    write_exports(AT, exports)
    assert exports.stat().st_mode & 0o777 == 0o600
    read = subprocess.run(
        ["/bin/sh", "-c", f". {exports}; env -0"], env={}, capture_output=True, text=True, check=True
    ).stdout
    found = dict(line.split("=", 1) for line in read.split("\0") if line)
    wanted = environment(AT)
    assert {name: found[name] for name in wanted} == wanted
    assert wanted["LOCALCLOUD_IDENTITY_HEADER"] == AT["identity_header"]


def test_the_azure_cli_keeps_its_sign_in_inside_the_cloud() -> None:
    assert environment(AT)["AZURE_CONFIG_DIR"] == "/tmp/a cloud/azure"  # noqa: S108 - a path, not a file
