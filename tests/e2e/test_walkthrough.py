"""The page of the lab is true: its commands run, in its order, and print what it says; its rows are good rows."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from cli.__main__ import main
from localcloud import azurite
from localcloud.cloud import LocalCloud
from localcloud.options import Options
from tests import page
from tests.source import ROOT, text

PAGE = text("docs/walkthrough.md")
STAND_IN = Path(__file__).with_name("az_stand_in.py")


@pytest.fixture
async def cloud():
    if not azurite.installed(ROOT):
        pytest.skip("Azurite is not under .work; `make setup` puts it there")
    cloud = LocalCloud(Options(root=ROOT, app=ROOT, settings=ROOT / "localcloud.settings.json"))
    await cloud.start()
    yield cloud
    await cloud.close()


@pytest.mark.timeout(240)
async def test_every_command_of_the_page_runs_and_prints_what_the_page_says(cloud: LocalCloud, tmp_path: Path) -> None:
    shell = page.Shell(tmp_path, cloud.endpoints, {"az": f"{sys.executable} {STAND_IN}"})
    for block in page.blocks(PAGE):
        printed = await asyncio.to_thread(shell.run, block)
        assert block.missing(printed) == [], f"{block.commands}\n{printed}"


@pytest.mark.parametrize("rows", page.rows(PAGE))
def test_every_row_of_the_page_is_a_good_row(rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.yaml").write_text(rows)
    assert main(["lint", str(tmp_path / "rows.yaml")]) == 0, capsys.readouterr().out


def test_the_page_has_blocks_and_rows_that_a_change_of_its_form_would_lose() -> None:
    """Fewer than the page has fences of each kind would mean that some are not run."""
    assert len(page.blocks(PAGE)) == PAGE.count("```sh\n") > 10
    assert len(page.rows(PAGE)) == PAGE.count("```yaml\n") > 3
    assert sum(block.printed is not None for block in page.blocks(PAGE)) == PAGE.count("```text\n")
