"""App settings against what the code reads and the platform takes; host.json against what the host reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from delivery import settings
from scripts.check_infra.types import Checker
from scripts.check_infra.values import Fields, File, Items, Merged, Plain, Problem, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SETTINGS = "Microsoft.Web/sites/config"
STANDS_FOR = "00000000-0000-0000-0000-000000000000"  # an id, for a setting whose value is known in Azure only
UNKNOWN: Mapping[str, str] = {
    f"{settings.STORAGE}__accountName": "account",
    "WEIGHBRIDGE_PAGE": "https://page.example",
    "WEIGHBRIDGE_DEFENDER": "off",
}


def app_settings(file: File, sample: Mapping[str, str], known: Mapping[str, list[str]]) -> Iterator[Problem]:
    """What a function app is given. sample: the settings that the code reads.

    known: those of the platform itself, and those that it refuses.
    """
    for resource in file.resources.values():
        if resource.type == SETTINGS and "properties" in resource.body.fields:
            given = dict(_named(resource.body.fields["properties"]))
            yield from _names(file, given, sample, known)
            environ = {name: _text(name, value) for name, value in given.items()}
            for problem in settings.problems(environ):
                yield file.problem(resource.line, f"app settings: {problem}")


def _named(value: Value) -> Iterator[tuple[str, Value]]:
    for part in value.parts if isinstance(value, Merged) else (value,):
        if isinstance(part, Fields):
            yield from part.fields.items()


def _names(
    file: File, given: Mapping[str, Value], sample: Mapping[str, str], known: Mapping[str, list[str]]
) -> Iterator[Problem]:
    for name, value in given.items():
        if name in known["refused"]:
            yield file.problem(
                value.line, f"{name}: expected no such setting: Flex Consumption, or the platform, sets it"
            )
        elif name not in sample and name not in known["platform"] and not name.startswith(settings.SECRETS):
            yield file.problem(value.line, f"{name}: expected a setting that is read, found one that nobody reads")


def _text(name: str, value: Value) -> str:
    """A setting's value, or one of its kind where only Azure knows it."""
    if isinstance(value, Plain) and value.whole:
        return str(value.literal)
    return UNKNOWN.get(name, STANDS_FOR)


def host(path: Path, shown: str, types: Path) -> Iterator[Problem]:
    """Whether host.json says nothing that the host would not read."""
    data = json.loads(types.read_text(encoding="utf-8"))
    checker = Checker(file=File(path=path, shown=shown), types=data["types"])
    yield from checker.check(_value(json.loads(path.read_text(encoding="utf-8"))), "Host", "host")


def _value(found: object) -> Value:
    if isinstance(found, dict):
        return Fields(line=0, fields={key: _value(inner) for key, inner in found.items()})
    if isinstance(found, list):
        return Items(line=0, items=tuple(_value(inner) for inner in found))
    return Plain(line=0, literal=found if isinstance(found, str | int | bool) else str(found))
