"""Bicep to data, by pycep's grammar.

Its tree is used and not its own translation, for that makes one text of the name `location` and the literal
'location'. In the tree a ternary hangs off the last operand before it, which is undone here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from scripts.check_infra.references import Node, line_of, names_of, parser, references
from scripts.check_infra.values import (
    Choice,
    Each,
    Fields,
    File,
    Items,
    Merged,
    Module,
    Name,
    Parameter,
    Plain,
    Problem,
    Resource,
    Value,
)

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.check_infra.values import Reference

_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
NONE: frozenset[str] = frozenset()


class BicepError(Exception):
    """A file that is not Bicep."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def read(path: Path, shown: str) -> File:
    """The file; raises `BicepError` with the line that cannot be read."""
    try:
        tree = parser().parse(path.read_text(encoding="utf-8"))
    except UnexpectedInput as error:
        line = max(0, error.line)
        text = str(error).splitlines()[0]
        raise BicepError(Problem(file=shown, line=line, text=f"expected Bicep, found {text[:120]}")) from None
    file = File(path=path, shown=shown)
    for node in tree.children:
        if isinstance(node, Tree):
            file = _element(file, node)
    return file


def _element(file: File, node: Tree[Token]) -> File:
    kind, parts = node.data, node.children
    if kind == "scope":
        return File(path=file.path, shown=file.shown, scope=_text(_token(parts[0])))
    if kind not in ("param", "var", "output", "resource", "module"):
        raise BicepError(file.problem(node.meta.line, f"expected what this check can read, found {kind}"))
    name, line = str(parts[1]), node.meta.line
    if kind == "param":
        file.parameters[name] = _parameter(node)
    elif kind == "var":
        file.variables[name] = _value(parts[-1], NONE)
    elif kind == "output":
        file.outputs[name] = _value(parts[-1], NONE)
    elif kind == "resource":
        type_, _, version = _text(_token(cast("Tree[Token]", parts[2]).children[0])).partition("@")
        body, named = _body(parts[-1])
        file.resources[name] = Resource(
            line=line, type=type_, version=version, existing=bool(parts[3]), body=body, references=named
        )
    else:
        body, named = _body(parts[-1])
        path = _text(_token(cast("Tree[Token]", parts[2]).children[0]))
        file.modules[name] = Module(line=line, path=path, body=body, references=named)
    return file


def _parameter(node: Tree[Token]) -> Parameter:
    decorators, _, type_, default = node.children
    said = {str(d.children[0]): d.children[1:] for d in _trees(decorators)}
    allowed = _value(said["allowed"][0], NONE) if "allowed" in said else None
    values = allowed.items if isinstance(allowed, Items) else ()
    return Parameter(
        line=node.meta.line,
        type=str(cast("Tree[Token]", cast("Tree[Token]", type_).children[0]).children[0]),
        default=_value(default, NONE) if isinstance(default, Tree) else None,
        secure="secure" in said,
        allowed=tuple(value.literal for value in values if isinstance(value, Plain)),
    )


def _body(node: Node) -> tuple[Fields, tuple[Reference, ...]]:
    """The object of a resource or a module, out of its loop and its condition."""
    inner, bound = cast("Tree[Token]", node), NONE
    if inner.data == "loop":
        bound, inner = names_of(inner), cast("Tree[Token]", inner.children[-1])
    found = _value(inner.children[-1] if inner.data == "deploy_condition" else inner, bound)
    if not isinstance(found, Fields):
        found = Fields(line=found.line, fields={})
    return found, tuple(references(node, NONE))


def _value(node: Node, bound: frozenset[str]) -> Value:
    known: dict[str, Any] = {"line": line_of(node), "references": tuple(references(node, bound))}
    options = _options(node)
    if options:
        return Choice(options=tuple(_value(option, bound) for option in options), **known)
    match node:
        case Tree(data="array", children=parts):
            return Items(items=tuple(_value(part, bound) for part in parts if isinstance(part, Tree)), **known)
        case Tree(data="object"):
            fields = {_key(pair): _value(pair.children[-1], bound) for pair in _trees(node) if pair.data == "pair"}
            return Fields(fields=fields, **known)
        case Tree(data="loop"):
            return Each(item=_value(node.children[-1], bound | names_of(node)), **known)
        case Tree(data="function", children=[Token() as name, *arguments]) if str(name) == "union(":
            return Merged(parts=tuple(_value(part, bound) for part in arguments), **known)
        case _:
            return _literal(node, known)


def _literal(node: Node, known: dict[str, Any]) -> Value:
    """A literal or a name; a plain `Value` for whatever has to be worked out."""
    match node:
        case Tree(data="string", children=[Token() as token]):
            return _word(token, known)
        case Tree(data="int_type", children=[number]):
            return Plain(literal=int(str(number)), **known)
        case Tree(data="operator", children=[Tree(data="minus", children=[Tree(data="int_type", children=[number])])]):
            return Plain(literal=-int(str(number)), **known)
        case Tree(data="true" | "false" | "null" as word):
            return Plain(literal=_LITERALS[word], **known)
        case _:
            return Value(**known)


def _word(token: Token, known: dict[str, Any]) -> Value:
    if not token.startswith("'"):
        return Name(name=str(token), **known)
    return Plain(literal=_text(token), whole="${" not in token, **known)


def _options(node: Node) -> list[Tree[Token]]:
    """The two ends of a ternary; [] of anything else."""
    at = node
    while isinstance(at, Tree) and at.data == "operator":
        inner = cast("Tree[Token]", at.children[0])
        if inner.data == "conditional":
            return _trees(inner)[1:]
        at = inner.children[-1]
    return []


def _trees(node: Node) -> list[Tree[Token]]:
    return [child for child in node.children if isinstance(child, Tree)] if isinstance(node, Tree) else []


def _token(node: Node) -> Token:
    return cast("Token", node)


def _key(pair: Tree[Token]) -> str:
    return _text(_token(cast("Tree[Token]", pair.children[0]).children[0]))


def _text(token: Token) -> str:
    return str(token)[1:-1].replace("\\'", "'") if token.startswith("'") else str(token)
