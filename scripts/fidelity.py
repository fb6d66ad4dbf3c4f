"""`python -m scripts.fidelity`: writes the fidelity table of docs/localcloud.md from the points and their tests."""

from __future__ import annotations

import re
from pathlib import Path

from localcloud.arm.fidelity import POINTS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "localcloud.md"
BEGIN, END = "<!-- fidelity: python -m scripts.fidelity -->\n", "<!-- end of fidelity -->\n"
_MARKED = re.compile(r"@pytest\.mark\.fidelity\(([\d, ]+)\)\n(?:async )?def (test_\w+)")


def tests() -> dict[int, list[str]]:
    """Names of the tests that bear each number."""
    found: dict[int, list[str]] = {}
    for file in sorted((ROOT / "tests" / "localcloud").rglob("test_*.py")):
        for numbers, name in _MARKED.findall(file.read_text()):
            for number in numbers.split(","):
                found.setdefault(int(number), []).append(name)
    return found


def table() -> str:
    marked = tests()
    lines = ["| | What | | Test | Switch | Not done, or uncertain |", "|---|---|---|---|---|---|"]
    for number, point in POINTS.items():
        proof = "<br>".join(f"`{name}`" for name in marked.get(number, ()))
        doubt = "; ".join(text for text in (point.missing, point.evidence) if text)
        lines.append(f"| {number} | {point.what} | {point.level} | {proof} | {point.switch} | {doubt} |")
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """The page with its table as it is now."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
