"""Every name that an expression of Bicep uses, out of the tree of pycep's grammar.

In the tree an accessor holds what follows it: `a.b == c` is `a.(b == c)`. So the leftmost leaf to the right of a dot is
what is read, and not a name of its own.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput
from pycep import BicepParser

from scripts.check_infra.values import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

Node = Tree[Token] | Token | None
_INNER = re.compile(r"\$\{([^}]*)\}")


@functools.cache
def parser() -> Lark:
    """Pycep's grammar, read once."""
    return BicepParser().lark_parser


def line_of(node: Node) -> int:
    """Where it begins, 0 where the tree does not say."""
    found = node.meta.line if isinstance(node, Tree) and not node.meta.empty else getattr(node, "line", 0)
    return int(found or 0)


def names_of(loop: Tree[Token]) -> frozenset[str]:
    """The names that a loop binds."""
    header = cast("Tree[Token]", loop.children[0])
    return frozenset(str(child) for child in header.children if isinstance(child, Token))


def references(node: Node, bound: frozenset[str], *, member: bool = False) -> Iterator[Reference]:
    """Every name but the bound ones. member: the leftmost leaf is what an accessor reads."""
    match node:
        case Tree(data="string", children=[Token() as token]):
            yield from _word(token, bound, member=member)
        case Tree(data="property_accessor", children=[left, right]):
            yield from _accessed(left, right, bound, member=member)
        case Tree(data="function" | "function_accessor"):
            yield from _called(node, bound, member=member)
        case Tree(data="loop" | "lambda_expression"):
            yield from _binding(node, bound)
        case Tree(data="pair", children=[_, inner]):
            yield from references(inner, bound)
        case Tree(children=children):
            for place, child in enumerate(children):
                yield from references(child, bound, member=member and place == 0)
        case _:
            return


def _word(token: Token, bound: frozenset[str], *, member: bool) -> Iterator[Reference]:
    """A name, or the names within a text."""
    if token.startswith("'"):
        for inner in _INNER.findall(token):
            yield from references(_expression(inner), bound)
    elif not member and token not in bound:
        yield Reference(line=line_of(token), root=str(token))


def _called(node: Tree[Token], bound: frozenset[str], *, member: bool) -> Iterator[Reference]:
    """`name(…)`, or `of.name(…)`."""
    left, *arguments = node.children
    if node.data == "function_accessor":
        yield from references(left, bound, member=member)
        left, *arguments = arguments
    yield Reference(line=line_of(node), root=str(left).rstrip("("), call=True)
    for argument in arguments:
        yield from references(argument, bound)


def _binding(node: Tree[Token], bound: frozenset[str]) -> Iterator[Reference]:
    """What binds names of its own: they are no names outside."""
    first, *_, inner = node.children
    if node.data == "loop":
        yield from references(first, bound)
        yield from references(inner, bound | names_of(node))
    else:
        heads = node.children[:-1]
        taken = {str(part.children[0]) for part in heads if isinstance(part, Tree) and part.data == "string"}
        yield from references(inner, bound | taken)


def _accessed(left: Node, right: Node, bound: frozenset[str], *, member: bool) -> Iterator[Reference]:
    """`left.right`: one reference with its path when left is a name, and what else stands in the two."""
    if isinstance(left, Tree) and left.data == "string" and not member:
        root = str(left.children[0])
        if root not in bound:
            yield Reference(line=line_of(left), root=root, path=tuple(_path(right)))
    else:
        yield from references(left, bound, member=member)
    yield from references(right, bound, member=True)


def _path(node: Node) -> Iterator[str]:
    """The names read one after the other, up to an index or an operator."""
    match node:
        case Tree(data="string", children=[Token() as token]) if not token.startswith("'"):
            yield str(token)
        case Tree(data="property_accessor", children=[left, right]):
            yield from _path(left)
            if isinstance(left, Tree) and left.data == "string":
                yield from _path(right)
        case Tree(children=[first, *_]):
            yield from _path(first)
        case _:
            return


@functools.cache
def _expression(text: str) -> Node:
    """What stands in the braces of a text; None for what cannot be read, such as a text with braces of its own."""
    try:
        tree = parser().parse(f"var x = {text}\n")
    except UnexpectedInput:
        return None
    return cast("Tree[Token]", tree.children[0]).children[-1]
