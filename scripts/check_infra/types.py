"""What Azure knows of a resource (infra/types), and whether a value is of a type. infra/types/README.md: the texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from scripts.check_infra.values import Choice, Each, Fields, File, Items, Merged, Name, Plain, Problem, Resource, Value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Spec = Mapping[str, object] | list[str]
SCALARS: dict[str, tuple[type, ...]] = {"string": (str,), "int": (int,), "bool": (bool,)}
OF_BICEP = frozenset({"name", "parent", "scope", "dependsOn"})  # every resource may have these
READABLE = frozenset({"id", "name", "type", "apiVersion"})
SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One resource type, with the types of its file. type: of its body."""

    type: str
    types: Mapping[str, Spec]


def load(folder: Path) -> dict[str, Model]:
    """Every model by `Type@version`."""
    models: dict[str, Model] = {}
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        for resource, body in data.get("resources", {}).items():
            models[resource] = Model(type=body, types=data["types"])
    return models


def check_resource(file: File, resource: Resource, models: Mapping[str, Model]) -> Iterator[Problem]:
    """Whether Azure knows the resource, and each property that is given."""
    named = f"{resource.type}@{resource.version}"
    model = models.get(named)
    if model is None:
        versions = sorted(key.partition("@")[2] for key in models if key.partition("@")[0] == resource.type)
        expected = f"version {' or '.join(versions)}" if versions else "a resource type of infra/types"
        yield file.problem(resource.line, f"{resource.type}: expected {expected}, found {resource.version}")
        return
    if "name" not in resource.body.fields:
        yield file.problem(resource.line, f"{resource.type}: name: expected one, found none")
    if resource.type.count("/") > 1 and "parent" not in resource.body.fields:
        yield file.problem(resource.line, f"{resource.type}: parent: expected one, found none")
    given = {key: value for key, value in resource.body.fields.items() if key not in OF_BICEP}
    if resource.existing:
        for key, value in given.items():
            yield file.problem(value.line, f"{resource.type}: {key}: expected nothing of a resource that exists")
        return
    fields = given | {key: value for key, value in resource.body.fields.items() if key == _chooser(model)}
    checker = Checker(file=file, types=model.types)
    yield from checker.check(Fields(line=resource.line, fields=fields), model.type, resource.type)


def _chooser(model: Model) -> str:
    """The field that says which of several bodies it is, "" for the one."""
    spec = model.types[model.type]
    return str(spec.get("$by", "")) if isinstance(spec, Mapping) else ""


def readable(model: Model, path: tuple[str, ...]) -> str:
    """What is wrong with reading `path` of a resource, "" when nothing is."""
    if path[0] in READABLE:
        return ""
    named = model.type
    for place, key in enumerate(path):
        spec = model.types.get(named.strip("=!"))
        if not isinstance(spec, Mapping) or "$by" in spec:
            return ""
        if key not in spec:
            return f"{'.'.join(path[: place + 1])}: {_unknown(key, list(spec))}"
        named = str(spec[key])
    return ""


def _unknown(key: str, known: list[str]) -> str:
    near = get_close_matches(key, known, n=1)
    return f"no such property; did you mean {near[0]}?" if near else f"no such property; known: {_list(known)}"


def _list(names: list[str]) -> str:
    return ", ".join(sorted(names)[:SHOWN]) + (", …" if len(names) > SHOWN else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """Holds values to the types of one file."""

    file: File
    types: Mapping[str, Spec]

    def check(self, value: Value, named: str, path: str) -> Iterator[Problem]:
        """Every problem of a value. named: its type as the files spell it. path: where it stands, for people."""
        value, wanted = self.file.resolved(value), named.rstrip("!")
        if isinstance(value, Choice):
            for option in value.options:
                yield from self.check(option, wanted, path)
        elif wanted == "any" or _is_null(value) or type(value) is Value:
            return
        elif isinstance(value, Name):
            yield from self._parameter(value, wanted, path)
        elif wanted.endswith("[]"):
            yield from self._list(value, wanted.removesuffix("[]"), path)
        elif wanted.startswith("{"):
            yield from self._map(value, wanted[1:-1], path)
        elif wanted in SCALARS:
            yield from self._scalar(value, wanted, path)
        else:
            yield from self._named(value, wanted, path)

    def _wrong(self, value: Value, path: str, expected: str) -> Problem:
        found = repr(value.literal) if isinstance(value, Plain) else type(value).__name__.lower()
        return self.file.problem(value.line, f"{path}: expected {expected}, found {found}")

    def _parameter(self, value: Name, wanted: str, path: str) -> Iterator[Problem]:
        parameter = self.file.parameters.get(value.name)
        if parameter is None:
            return
        kind = "string" if isinstance(self.types.get(wanted), list) else wanted
        kind = "array" if kind.endswith("[]") else "object" if kind.startswith("{") or kind in self.types else kind
        if parameter.type != kind:
            yield self.file.problem(value.line, f"{path}: expected {wanted}, found the {parameter.type} {value.name}")
        enum = self.types.get(wanted)
        for allowed in parameter.allowed if isinstance(enum, list) else ():
            if allowed not in (enum or ()):
                text = f"{path}: expected {_one_of(enum)}, found {allowed!r} allowed for {value.name}"
                yield self.file.problem(value.line, text)

    def _list(self, value: Value, item: str, path: str) -> Iterator[Problem]:
        if isinstance(value, Items):
            for part in value.items:
                yield from self.check(part, item, f"{path}[]")
        elif isinstance(value, Each):
            yield from self.check(value.item, item, f"{path}[]")
        else:
            yield self._wrong(value, path, "a list")

    def _map(self, value: Value, item: str, path: str) -> Iterator[Problem]:
        for part in self._parts(value):
            if isinstance(part, Fields):
                for key, inner in part.fields.items():
                    yield from self.check(inner, item, f"{path}.{key}")
            elif isinstance(part, Plain | Items | Each):
                yield self._wrong(part, path, "an object")

    def _scalar(self, value: Value, wanted: str, path: str) -> Iterator[Problem]:
        fits = isinstance(value, Plain) and type(value.literal) in SCALARS[wanted]
        if not fits:
            yield self._wrong(value, path, {"string": "a text", "int": "a number", "bool": "true or false"}[wanted])

    def _named(self, value: Value, wanted: str, path: str) -> Iterator[Problem]:
        spec = self.types.get(wanted)
        if isinstance(spec, list):
            if not isinstance(value, Plain) or (value.whole and value.literal not in spec):
                yield self._wrong(value, path, _one_of(spec))
            return
        if isinstance(value, Plain | Items | Each):
            yield self._wrong(value, path, "an object")
        elif spec is not None:
            yield from self._object(value, spec, path)

    def _object(self, value: Value, spec: Mapping[str, object], path: str) -> Iterator[Problem]:
        parts = self._parts(value)
        if "$by" in spec:
            chosen = self._chosen(parts, spec)
            if isinstance(chosen, str):
                yield self.file.problem(value.line, f"{path}.{spec['$by']}: expected {chosen}")
                return
            spec = chosen
        given: set[str] = set()
        for part in parts:
            if isinstance(part, Fields):
                given |= set(part.fields)
                yield from self._fields(part, spec, path)
        if all(isinstance(part, Fields) for part in parts):
            for key in sorted(key for key, named in spec.items() if str(named).endswith("!") and key not in given):
                yield self.file.problem(value.line, f"{path}.{key}: expected {str(spec[key]).rstrip('!')}, found none")

    def _fields(self, part: Fields, spec: Mapping[str, object], path: str) -> Iterator[Problem]:
        for key, inner in part.fields.items():
            named = str(spec.get(key, ""))
            if not named:
                yield self.file.problem(inner.line, f"{path}.{key}: {_unknown(key, list(spec))}")
            elif named.startswith("="):
                yield self.file.problem(inner.line, f"{path}.{key}: expected nothing: it can be read only")
            else:
                yield from self.check(inner, named, f"{path}.{key}")

    def _parts(self, value: Value) -> list[Value]:
        """The objects that a value is merged from: each option of a choice counts, and is held to the type."""
        value = self.file.resolved(value)
        if isinstance(value, Merged):
            return [part for inner in value.parts for part in self._parts(inner)]
        if isinstance(value, Choice):
            return [part for option in value.options for part in self._parts(option)]
        return [] if _is_null(value) else [value]

    def _chosen(self, parts: list[Value], spec: Mapping[str, object]) -> Mapping[str, object] | str:
        """The fields that go with the one that chooses; what was expected there and what was found, if that is none."""
        by = str(spec["$by"])
        known = [key for key in spec if key != "$by"]
        for part in parts:
            chooser = self.file.resolved(part.fields[by]) if isinstance(part, Fields) and by in part.fields else None
            if isinstance(chooser, Plain):
                fields = spec.get(str(chooser.literal))
                if isinstance(fields, Mapping) and chooser.literal != "$by":
                    return {**fields, by: "string!"}
                return f"{_one_of(known)}, found {chooser.literal!r}"
            if chooser is not None:
                return {by: "string!", **{key: "any" for fields in _maps(spec) for key in fields}}
        return f"{_one_of(known)}, found none"


def _maps(spec: Mapping[str, object]) -> list[Mapping[str, object]]:
    return [fields for fields in spec.values() if isinstance(fields, Mapping)]


def _one_of(names: object) -> str:
    known = [str(name) for name in names] if isinstance(names, list) else []
    return f"one of {_list(known)}" if len(known) > 1 else " ".join(known)


def _is_null(value: Value) -> bool:
    return isinstance(value, Plain) and value.literal is None
