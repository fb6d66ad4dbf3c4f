"""The Azure CLI, for the hooks of `azd`: they need it, and Python's own library, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = float(os.environ.get("WEIGHBRIDGE_HOOK_EVERY", "15"))  # seconds between two tries
TRIES = 10


class Stop(Exception):
    """What the person must do before this can go on."""


class AzError(Exception):
    """The Azure CLI ended with an error. text: its last lines."""


def az(*arguments: str) -> Any:
    """What `az` answers, in the environment's subscription; raises `AzError`."""
    program = shutil.which("az")
    if program is None:
        raise Stop("expected the Azure CLI, found none: https://learn.microsoft.com/cli/azure/install-azure-cli")
    where = ["--subscription", needed("AZURE_SUBSCRIPTION_ID")]
    done = subprocess.run(
        [program, *arguments, *where, "--only-show-errors", "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AzError("\n".join(done.stderr.strip().splitlines()[-5:]))
    return json.loads(done.stdout) if done.stdout.strip() else None


def patiently(what: str, *arguments: str) -> Any:
    """As `az`, again for a few minutes: rights and functions are known everywhere only after a while."""
    for left in range(TRIES - 1, -1, -1):
        try:
            return az(*arguments)
        except AzError as error:
            if not left:
                raise Stop(f"{what}: {error}") from None
            say(f"{what}: not yet; {left} more tries, one every {EVERY:g} s")
            time.sleep(EVERY)
    raise AssertionError


def needed(name: str) -> str:
    """A value of the azd environment."""
    found = os.environ.get(name, "").strip()
    if not found:
        raise Stop(f"{name}: expected a value in the azd environment, found none; run `azd provision` first")
    return found


def listed(name: str) -> list[str]:
    """A value with commas between."""
    return [part for part in (piece.strip() for piece in os.environ.get(name, "").split(",")) if part]


def switch(name: str, default: str, *others: str) -> str:
    """One of a few words."""
    found = os.environ.get(name, "").strip() or default
    if found not in (default, *others):
        raise Stop(f"{name}: expected {' or '.join((default, *others))}, found {found!r}")
    return found


def say(text: str) -> None:
    """A line for the person who runs azd."""
    print(f"weighbridge: {text}", file=sys.stderr, flush=True)


def run(main: Callable[[], None]) -> int:
    """Run a hook; 1 and one line when somebody has to do something first."""
    try:
        main()
    except (Stop, AzError) as error:
        say(str(error))
        return 1
    return 0
