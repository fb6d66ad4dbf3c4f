"""A Bicep file as data: what it declares, and its values as far as they can be known without deploying them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong. file: as it is shown to a person. line: 1-based, 0 for the whole file."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A name and what is read of it: `site.properties.id` is (site, (properties, id)). call: it names a function."""

    line: int
    root: str
    path: tuple[str, ...] = ()
    call: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Any value. references: every name in it, the bound ones of loops and lambdas left out."""

    line: int
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain(Value):
    """A literal. whole False: a text with `${}` in it, so only its fixed parts are known."""

    literal: str | int | bool | None
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Items(Value):
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields(Value):
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Value):
    """A bare name, of a variable or a parameter."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Value):
    """`condition ? one : other`."""

    options: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged(Value):
    """`union(…)`: later parts win."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Each(Value):
    """`[for … in …: item]`."""

    item: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    line: int
    type: str
    default: Value | None
    secure: bool
    allowed: tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """body: of each, when it is made in a loop. references: those of its loop and its condition too."""

    line: int
    type: str
    version: str
    existing: bool
    body: Fields
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    line: int
    path: str
    body: Fields
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One Bicep file. shown: its path as a person reads it."""

    path: Path
    shown: str
    scope: str = "resourceGroup"
    parameters: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    modules: dict[str, Module] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)

    def resolved(self, value: Value) -> Value:
        """What a name stands for, when that is a variable; a variable cannot name itself, so this ends."""
        seen: set[str] = set()
        while isinstance(value, Name) and value.name in self.variables and value.name not in seen:
            seen.add(value.name)
            value = self.variables[value.name]
        return value

    def problem(self, line: int, text: str) -> Problem:
        return Problem(file=self.shown, line=line, text=text)
