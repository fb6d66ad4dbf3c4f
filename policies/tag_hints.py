"""What a Tags cell that cannot be read was probably meant to say. Whoever offers it reads it first."""

from __future__ import annotations

import re

from policies.versions import read_range, read_version

_CLAUSES = re.compile(r" (?=(?:from|except) )", re.IGNORECASE)
_SPELLINGS = {
    "regexp": "regex",
    "re": "regex",
    "numeric": "number",
    "numerical": "number",
    "integer": "number",
    "digest": "exact",
}
_TAKES = ("semver", "calver", "exact", "regex", "glob")
_YEAR = re.compile(r"YY|0Y|yyyy|%Y")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_WORD = re.compile(r"([A-Za-z]+) ?[:=]? ?(.*)", re.DOTALL)


def repaired(text: str) -> str:
    """A corrected cell, "" where it would be anybody's guess; it may itself be wrong."""
    if text.lower() == "none":
        return ""
    head, *tail = _CLAUSES.split(text)
    if text.lower().startswith("from "):
        head, tail = "semver", [text]
    offer = _head(head)
    return " ".join([offer, *tail]) if offer else ""


def _head(head: str) -> str:
    match = _WORD.fullmatch(head)
    word, argument = (match[1].lower(), match[2].strip()) if match else ("", "")
    kind = _SPELLINGS.get(word, word)
    if kind in _TAKES and word != "semver" and not argument:
        return ""
    if kind in _TAKES and argument:
        return f"{kind}: {argument}"
    if argument and kind in ("newest", "number"):
        hole = "{}" if kind == "number" else "*"
        return f"{kind} from {argument.replace('*', hole)}" if "*" in argument or "{}" in argument else kind
    if kind in ("number", "newest", "semver"):
        return kind
    if re.match(r"[<>=~^!]", head) or (re.search(r"\.[xX*]", head) and read_range(head)):
        return f"semver: {head}"
    if _YEAR.search(head):
        return f"calver: {head}"
    if read_version(head) or _NAME.fullmatch(head):
        return f"exact: {head}"
    return f"newest from {head}"
