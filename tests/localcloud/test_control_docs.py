"""docs/control-plane.md says what the control plane does: its tables are held to the code, its examples are run."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localcloud.arm.trouble import Kind
from localcloud.control import bodies
from localcloud.control.reading import shape
from localcloud.dataplane.fate import FateKind
from localcloud.eventgrid.orders import EventTrouble
from localcloud.hooks import HookTrouble
from tests.localcloud.arm.cloud import APP, image
from tests.localcloud.controlled import Local, controlled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from enum import StrEnum

PAGE = (Path(__file__).parents[2] / "docs" / "control-plane.md").read_text()
EXAMPLES = [block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "localcloud up" not in block]
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def first_cells(section: str) -> list[str]:
    """The first cell of each row, without its marks."""
    rows = re.findall(r"^\| `(.+?)` \| .+ \|$", SECTIONS[section], re.MULTILINE)
    return [cell.replace("\\|", "|") for cell in rows]


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with controlled(tmp_path) as one:
        yield one


@pytest.mark.parametrize(
    ("section", "kinds"),
    [
        ("Trouble for requests to Azure Resource Manager", Kind),
        ("Fates of revisions", FateKind),
        ("Events", EventTrouble),
        ("The webhook target", HookTrouble),
    ],
)
def test_the_tables_of_kinds_are_the_codes(section: str, kinds: type[StrEnum]) -> None:
    assert first_cells(section) == list(kinds)


async def test_the_table_of_orders_is_the_codes(local: Local) -> None:
    listed = (await local.control("GET", "/")).body
    rows = re.findall(r"^\| `(.+?)` \| (.+) \|$", SECTIONS["Orders"], re.MULTILINE)

    assert [(row.replace("\\|", "|"), tells) for row, tells in rows] == [
        (f"{route['method']} {route['path']}", route["tells"]) for route in listed
    ]
    assert listed != []


def test_members_of_orders_are_told_as_people_write_them() -> None:
    assert shape(bodies.FateOrder) == {
        "kind": "one of " + ", ".join(FateKind),
        "revision": "text",
        "after": "a number from 0 to 316224000 (without it: 0)",
        "times": "a whole number from 0 to 1000000 (without it: 0)",
    }


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl, which is not installed here")
async def test_every_example_is_answered_200(local: Local, tmp_path: Path) -> None:
    await local.create(
        app=APP.replace("/web", "/ca-web"), revisionSuffix="one", containers=image("1.0.0")["containers"]
    )
    assert len(EXAMPLES) >= 7
    for example in EXAMPLES:
        run = await asyncio.create_subprocess_exec(
            "bash",
            "-eu",
            "-c",
            example,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "control": local.controls},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(run.communicate(), 20)
        assert run.returncode == 0, f"{example}\n{said.decode()}"
