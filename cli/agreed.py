"""Asks a person before anything is changed."""

from __future__ import annotations

import sys


def agreed() -> bool:
    """Whether the person at the terminal says yes; where nobody can be asked, the answer is no."""
    if not sys.stdin.isatty():
        print("\nnobody can be asked here: say --yes", file=sys.stderr)
        return False
    return input("\ngo on? yes or no: ").strip().lower() == "yes"
