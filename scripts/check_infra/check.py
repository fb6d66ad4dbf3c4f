"""Everything that is checked, over one checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.check_infra import checks, settings, types
from scripts.check_infra.bicep import BicepError, read
from scripts.check_infra.values import File, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOYED_BY_AZD = "infra/main.bicep"


def check(root: Path) -> list[Problem]:
    """Every problem of the checkout at `root`, by file and line."""
    found = list(_problems(root))
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.text))


def _problems(root: Path) -> Iterator[Problem]:
    files: dict[Path, File] = {}
    for path in sorted((root / "infra").rglob("*.bicep")):
        try:
            files[path.resolve()] = read(path, str(path.relative_to(root)))
        except BicepError as error:
            yield error.problem
    known = root / "infra" / "types"
    models = types.load(known)
    table = checks.role_table(known / "built-in-roles.json")
    sample = json.loads((root / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    platform = json.loads((known / "app-settings.json").read_text(encoding="utf-8"))
    for file in files.values():
        for resource in file.resources.values():
            yield from types.check_resource(file, resource, models)
        yield from checks.names(file, files, models)
        yield from checks.texts(file)
        yield from checks.known_before(file)
        yield from checks.modules(file, files)
        yield from checks.roles(file, table)
        yield from checks.secrets(file)
        yield from checks.keyless(file)
        yield from settings.app_settings(file, sample, platform)
        if file.shown == DEPLOYED_BY_AZD:
            yield from checks.own_group(file, files)
            yield from _parameters(root / "infra" / "main.parameters.json", file)
    yield from settings.host(root / "host.json", "host.json", known / "host.json")


def _parameters(path: Path, file: File) -> Iterator[Problem]:
    """The parameters that azd gives are those of the file it deploys."""
    given = json.loads(path.read_text(encoding="utf-8"))["parameters"]
    shown = str(Path(file.shown).parent / path.name)
    for name in sorted(set(given) - set(file.parameters)):
        yield Problem(file=shown, line=0, text=f"{name}: no such parameter of {file.shown}")
    for name, parameter in file.parameters.items():
        if name not in given and parameter.default is None:
            yield Problem(file=shown, line=0, text=f"{name}: expected a value, found none")
