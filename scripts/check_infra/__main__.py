"""`make check-infra`: what is wrong with infra/, host.json and the app settings; exit 1 when anything is."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.check_infra.check import check

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    found = check(ROOT)
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
