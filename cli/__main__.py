"""`weighbridge COMMAND …`: each command is a module of this package with `HELP`, `arguments` and `run`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (
    "adopt",
    "apps",
    "choose",
    "doctor",
    "explain",
    "lint",
    "offer",
    "order",
    "policy",
    "publish-scan",
    "replay",
    "rollouts",
    "simulate",
    "switch",
    "wait",
    "why",
)
BROKEN_PIPE = 141  # what a shell reports of a program whose reader went away: 128 + SIGPIPE


class Command(Protocol):
    """A command's module. run answers the exit code: 0 done, 1 the answer is no, 2 it was asked wrongly."""

    HELP: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare what it takes."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Do it."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit code."""
    parser = argparse.ArgumentParser(prog="weighbridge", description="Progressive delivery for Azure Container Apps.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    known: dict[str, Command] = {}
    given = sys.argv[1:] if arguments is None else arguments
    # A command that is named is loaded alone: what asks an installation runs where nothing but Python is installed.
    for name in tuple(given[:1]) if given and given[0] in COMMANDS else COMMANDS:
        module = cast("Command", importlib.import_module(f"cli.{name.replace('-', '_')}"))
        known[name] = module
        module.arguments(commands.add_parser(name, help=module.HELP, description=module.HELP))
    args = parser.parse_args(given)
    try:
        code = known[args.command].run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe went away; Python would complain again when it closes what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


if __name__ == "__main__":
    sys.exit(main())
