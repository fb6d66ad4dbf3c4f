"""Put the Azure CLI into .work/az, and nothing anywhere else; a second run with nothing changed is instant."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / ".work" / "az"
REQUIREMENTS = ROOT / "requirements-az.txt"


def main() -> int:
    """The stamp is written last, so that an interrupted installation begins anew."""
    wanted = hashlib.sha256(f"{PLACE} {sys.version_info[:3]} {REQUIREMENTS.read_text()}".encode()).hexdigest()
    stamp = PLACE / "installed-from"
    if stamp.is_file() and stamp.read_text() == wanted:
        return 0
    print(f"az        {REQUIREMENTS.name}, into .work/az; about a minute", flush=True)
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", "--clear", PLACE], check=True)
    quiet = ("--disable-pip-version-check", "--no-input", "--prefer-binary", "--quiet", "--no-compile")
    subprocess.run([PLACE / "bin" / "python", "-m", "pip", "install", *quiet, "-r", REQUIREMENTS], check=True)
    stamp.write_text(wanted)
    print(f"az        installed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
