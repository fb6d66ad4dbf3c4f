"""What a compiler would say, and what this project asks of its own deployment: names, modules, roles, no secrets."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from scripts.check_infra.types import Model, readable
from scripts.check_infra.values import Fields, File, Name, Parameter, Plain, Problem, Reference, Resource, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_NAMED = re.compile(rf"(\w+): '({_GUID.pattern})'", re.ASCII)
_SECRET = re.compile(r"key[s12]?$|secret|password|connectionstring|sastoken|credential", re.IGNORECASE)
# Functions of Bicep that we use; learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions has them all.
FUNCTIONS = frozenset(
    {
        *("concat", "contains", "deployer", "empty", "filter", "flatten", "guid", "items", "join"),
        *("last", "length", "loadTextContent", "map", "replace", "string"),
        *(
            "resourceGroup",
            "resourceId",
            "split",
            "subscription",
            "subscriptionResourceId",
            "take",
            "tenant",
            "toLower",
        ),
        *("union", "uniqueString"),
    }
)
_LOADED = re.compile(r"loadTextContent\('([^']*)'\)")
# What keeps keys and passwords out of the door: each of these must be set so.
KEYLESS: Mapping[str, Mapping[str, bool]] = {
    "Microsoft.Storage/storageAccounts": {"allowSharedKeyAccess": False, "allowBlobPublicAccess": False},
    "Microsoft.EventGrid/topics": {"disableLocalAuth": True},
    "Microsoft.ContainerRegistry/registries": {"adminUserEnabled": False},
    "Microsoft.Insights/components": {"DisableLocalAuth": True},
    "Microsoft.Web/sites": {"httpsOnly": True},
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"allow": False},
}


def names(file: File, files: Mapping[Path, File], models: Mapping[str, Model]) -> Iterator[Problem]:
    """Every name is declared, every function known, and what is read of resources and modules exists."""
    declared = {*file.parameters, *file.variables, *file.resources, *file.modules}
    for reference in sorted(set(_references(file)), key=lambda found: (found.line, found.root, found.path)):
        root, path = reference.root, reference.path
        if reference.call:
            if root not in FUNCTIONS and not root.startswith("list"):
                yield file.problem(reference.line, f"{root}: expected a function this check knows")
        elif root not in declared:
            yield file.problem(reference.line, f"{root}: expected a name that is declared here")
        elif root in file.modules and path[:1] == ("outputs",) and len(path) > 1:
            called = files.get(_target(file, file.modules[root].path))
            if called is not None and path[1] not in called.outputs:
                yield file.problem(reference.line, f"{root}.outputs.{path[1]}: no such output of {called.shown}")
        elif root in file.resources and path:
            resource = file.resources[root]
            model = models.get(f"{resource.type}@{resource.version}")
            wrong = readable(model, path) if model else ""
            if wrong:
                yield file.problem(reference.line, f"{root}.{wrong}")


def _references(file: File) -> Iterator[Reference]:
    for resource in file.resources.values():
        yield from resource.references
    for module in file.modules.values():
        yield from module.references
    for value in [*file.variables.values(), *file.outputs.values()]:
        yield from value.references
    for parameter in file.parameters.values():
        if parameter.default is not None:
            yield from parameter.default.references


def _target(file: File, path: str) -> Path:
    return (file.path.parent / path).resolve()


def texts(file: File) -> Iterator[Problem]:
    """Every file whose text becomes a value is there."""
    for line, text in enumerate(file.path.read_text(encoding="utf-8").splitlines(), 1):
        for path in _LOADED.findall(text):
            if not _target(file, path).is_file():
                yield file.problem(line, f"loadTextContent: expected a file beside this one, found none at {path}")


def known_before(file: File) -> Iterator[Problem]:
    """Names and scopes are known before anything is made (Bicep's BCP120): no outputs, and nothing Azure answers."""
    bodies = [resource.body for resource in file.resources.values()] + [module.body for module in file.modules.values()]
    for body in bodies:
        for key in ("name", "scope"):
            value = body.fields.get(key)
            for reference in value.references if value else ():
                if reference.path and reference.path[0] in ("outputs", "properties", "identity"):
                    read = f"{reference.root}.{'.'.join(reference.path)}"
                    yield file.problem(
                        reference.line, f"{key}: expected what is known before anything is made, found {read}"
                    )


def modules(file: File, files: Mapping[Path, File]) -> Iterator[Problem]:
    """Every module gets the parameters it needs, and no other."""
    for module in file.modules.values():
        called = files.get(_target(file, module.path))
        if called is None:
            yield file.problem(module.line, f"module: expected a file of infra/, found {module.path}")
            continue
        given = module.body.fields.get("params")
        fields = given.fields if isinstance(given, Fields) else {}
        for key in sorted(set(fields) - set(called.parameters)):
            yield file.problem(fields[key].line, f"{module.path}: {key}: no such parameter")
        for key, parameter in called.parameters.items():
            if key not in fields:
                if parameter.default is None:
                    yield file.problem(module.line, f"{module.path}: {key}: expected a value, found none")
            else:
                yield from _argument(file, fields[key], key, parameter)


def _argument(file: File, value: Value, key: str, wanted: Parameter) -> Iterator[Problem]:
    """A text for a number, and what is not allowed, as far as it is known here."""
    known = file.resolved(value)
    if isinstance(known, Name) and known.name in file.parameters:
        given = file.parameters[known.name]
        if given.type != wanted.type:
            yield file.problem(value.line, f"{key}: expected {wanted.type}, found the {given.type} {known.name}")
    elif isinstance(known, Plain) and known.literal is not None:
        kind = {str: "string", int: "int", bool: "bool"}[type(known.literal)]
        if kind != wanted.type:
            yield file.problem(value.line, f"{key}: expected {wanted.type}, found {known.literal!r}")
        elif wanted.allowed and known.literal not in wanted.allowed:
            yield file.problem(value.line, f"{key}: expected one of {wanted.allowed}, found {known.literal!r}")


def roles(file: File, table: Mapping[str, str]) -> Iterator[Problem]:
    """Every id is that of the role whose name stands before it. table: camelCase name to id."""
    for line, text in enumerate(file.path.read_text(encoding="utf-8").splitlines(), 1):
        named = {guid: key for key, guid in _NAMED.findall(text)}
        for guid in _GUID.findall(text):
            key = named.get(guid, "")
            if table.get(key) != guid:
                expected = (
                    f"the id {table[key]} of {key}" if key in table else "the id of a built-in role after its name"
                )
                yield file.problem(line, f"roles: expected {expected}, found {guid}")


def role_table(path: Path) -> dict[str, str]:
    """The built-in roles, by the names that Bicep variables give them."""
    listed: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["roles"]
    return {name[0].lower() + name[1:].replace(" ", ""): guid for name, guid in listed.items()}


def secrets(file: File) -> Iterator[Problem]:
    """No output tells a secret: everybody who may read the deployment reads its outputs."""
    for name, value in file.outputs.items():
        for reference in _behind(file, value):
            parameter = file.parameters.get(reference.root)
            told = reference.path[-1] if reference.path else reference.root
            if reference.call and (reference.root.startswith("list") or reference.root == "getSecret"):
                told = f"{reference.root}()"
            elif not (parameter and parameter.secure) and not _SECRET.search(told):
                continue
            yield file.problem(value.line, f"output {name}: expected nothing secret, found {told}")


def _behind(file: File, value: Value) -> Iterator[Reference]:
    """What a value is made of, through the variables between."""
    seen: set[str] = set()
    waiting = list(value.references)
    while waiting:
        reference = waiting.pop()
        yield reference
        if reference.root in file.variables and reference.root not in seen:
            seen.add(reference.root)
            waiting += file.variables[reference.root].references


def keyless(file: File) -> Iterator[Problem]:
    """Nothing that is made here lets anybody in by a key, a password, or without any."""
    for resource in file.resources.values():
        if not resource.existing:
            yield from _keyless(file, resource)


def _keyless(file: File, resource: Resource) -> Iterator[Problem]:
    properties = resource.body.fields.get("properties")
    fields = properties.fields if isinstance(properties, Fields) else {}
    for key, wanted in KEYLESS.get(resource.type, {}).items():
        value = fields.get(key)
        if not isinstance(value, Plain) or value.literal is not wanted:
            line = value.line if value else resource.line
            yield file.problem(line, f"{resource.type}: {key}: expected {str(wanted).lower()}")


def own_group(file: File, files: Mapping[Path, File]) -> Iterator[Problem]:
    """What azd deploys stays in groups that it makes: `azd down` deletes every group it has a resource in."""
    made = {name for name, found in file.resources.items() if found.type == "Microsoft.Resources/resourceGroups"}
    for name, module in file.modules.items():
        scope, called = module.body.fields.get("scope"), files.get(_target(file, module.path))
        if scope is None and called is not None and called.scope == file.scope:
            continue  # it is in no group
        if not isinstance(scope, Name) or scope.name not in made or file.resources[scope.name].existing:
            yield file.problem(
                module.line, f"module {name}: expected the scope of a group made here; azd down deletes it"
            )
