"""`python -m scripts.fidelity`: writes the fidelity table of docs/localcloud.md from the points and their tests."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from localcloud.arm.fidelity import POINTS
from localcloud.arm.knobs import Knobs

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "localcloud.md"
BEGIN, END = "<!-- fidelity: python -m scripts.fidelity -->\n", "<!-- end of fidelity -->\n"
_MARKED = re.compile(
    r"@pytest\.mark\.fidelity\(([\d, ]+)\)\n(?:@pytest\.mark\.parametrize\([^@]*\)\n)?(?:async )?def (test_\w+)"
)


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
    lines = [
        "| | What | | Test | Switch, with its default | What it takes, and what is not known or not done |",
        "|---|---|---|---|---|---|",
    ]
    for number, point in POINTS.items():
        proof = "<br>".join(f"`{name}`" for name in marked.get(number, ()))
        knobs = [one for one in fields(Knobs) if one.metadata["point"] == number]
        takes = [f"{knob.metadata['takes']}: {knob.metadata['evidence']}".replace("|", "\\|") for knob in knobs]
        doubt = "; ".join(text for text in (*takes, point.missing, point.evidence) if text)
        switches = ", ".join([*(f"`--knob {k.name}={k.default}`" for k in knobs), *filter(None, [point.switch])])
        lines.append(f"| {number} | {point.what} | {point.level} | {proof} | {switches} | {doubt} |")
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """The page with its table as it is now."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
