"""Reads this project's own files, for the tests of its shape."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("handlers", "delivery", "cloud", "notify", "policies", "rollouts")  # what is deployed, and function_app.py


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def modules() -> list[Path]:
    """Every module of the product, function_app.py included."""
    found = [path for name in PRODUCT for path in sorted((ROOT / name).rglob("*.py"))]
    return [*found, *ROOT.glob("function_app.py")]


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """Every module the file imports, at its top or lazily in a function."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found
