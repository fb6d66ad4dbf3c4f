"""docs/iac.md: its Bicep is checked as ours is, its orders are orders, and what it quotes is what is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.__main__ import main
from rollouts.seen import Verb
from scripts.check_infra import checks, types
from scripts.check_infra.bicep import read
from tests.source import ROOT, text

if TYPE_CHECKING:
    from scripts.check_infra.values import File, Problem

PAGE = text("docs/iac.md")
BICEP = re.findall(r"```bicep\n(.*?)```", PAGE, re.DOTALL)
NAMES = ("live.bicep", "app.bicep")


def problems(folder: Path) -> list[Problem]:
    """What the check of infra/ says of the page's modules."""
    models = types.load(ROOT / "infra" / "types")
    files: dict[Path, File] = {(folder / name).resolve(): read(folder / name, name) for name in NAMES}
    found: list[Problem] = []
    for file in files.values():
        for resource in file.resources.values():
            found += types.check_resource(file, resource, models)
        found += [*checks.names(file, files, models), *checks.modules(file, files), *checks.known_before(file)]
    return found


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    for name, block in zip(NAMES, BICEP, strict=True):
        (tmp_path / name).write_text(block, encoding="utf-8")
    return tmp_path


def test_the_modules_are_what_azure_and_each_other_know(modules):
    assert [str(problem) for problem in problems(modules)] == []


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("app.bicep", "activeRevisionsMode", "activeRevisionMode", "activeRevisionMode: no such property"),
        ("app.bicep", "live.outputs.traffic", "live.outputs.trafic", "trafic"),
        ("live.bicep", "2026-01-01", "2026-01-31", "2026-01-31"),
    ],
)
def test_a_mistake_in_them_would_be_found(modules, name, before, after, said):
    path = modules / name
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    assert said in "\n".join(map(str, problems(modules)))


def test_the_app_takes_from_the_live_one_all_that_a_rollout_writes(modules):
    told = read(modules / "live.bicep", "live.bicep").outputs
    assert set(told) == {"image", "suffix", "traffic"}
    assert set(re.findall(r"live\.outputs\.(\w+)", BICEP[1])) == set(told)


@pytest.mark.parametrize("line", re.findall(r"^weighbridge (.+)$", PAGE, re.MULTILINE))
def test_the_orders_it_gives_are_understood(line, capsys):
    words = [word.strip('"') for word in line.split()]
    assert words[2] in tuple(Verb)
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    with pytest.raises(SystemExit):
        main([*words, "--no-such-option"])
    assert "unrecognized arguments: --no-such-option" in capsys.readouterr().err


def test_what_it_quotes_is_what_is_said():
    code = text("rollouts/machine.py")
    section = PAGE.split("## How a fight is seen")[1]
    quoted = re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)
    said = [part.strip() for line in quoted for part in line.split(";") if "…" not in part]
    assert len(quoted) == 5
    for part in said:
        spoken = re.sub(r"ca-web\S+ \d+", "{traffic.spell(found) or 'nowhere'}", part)
        spoken = spoken.replace("resume, promote or leave", "{verbs}")
        assert spoken in code, spoken
    for name in re.findall(r"`((?:Rollout|Foreign|Stable)\w+)`", PAGE):
        assert f'"{name}"' in text("rollouts/decided.py")


def test_the_tests_it_names_are_there():
    for name in re.findall(r"`(tests/[\w./-]+)`", PAGE):
        assert (ROOT / name).is_file()
