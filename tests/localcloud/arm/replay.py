"""`python -m tests.localcloud.arm.replay FILE...`: holds recordings again and tells where our answers differ.

A file is JSON as our fixtures are, or YAML as vcrpy writes it, which is how the Azure CLI keeps its recordings.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.arm import knobs
from tests.localcloud.arm.conversation import replay
from tests.localcloud.arm.differences import because
from tests.localcloud.arm.recordings import UnreadableError, files, provider, read

if TYPE_CHECKING:
    from tests.localcloud.arm.recordings import Interaction

_PROVIDER = "microsoft.app"


def main(arguments: list[str]) -> int:
    """0 when every difference has a reason in the table, 1 when one has none, 2 when a file is no recording."""
    parser = argparse.ArgumentParser(prog="python -m tests.localcloud.arm.replay", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a recording or a folder of them")
    parser.add_argument(
        "--knob",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="as of the local cloud; without, as Azure was on that day",
    )
    parser.add_argument("--all", action="store_true", help="also what was asked of others than Microsoft.App")
    given = parser.parse_args(arguments)
    switches = knobs.read(given.knob) if given.knob else None
    codes = [_held(file, switches, everything=given.all) for file in files(given.files)]
    return max(codes, default=0)


def _held(file: Path, switches: knobs.Knobs | None, *, everything: bool) -> int:
    try:
        told = read(file)
    except UnreadableError as error:
        sys.stdout.write(f"{error}\n")
        return 2
    asked = [one for one in told if everything or provider(one) == _PROVIDER]
    found = asyncio.run(_found(asked, switches))
    sys.stdout.write(f"{file.name}: {len(asked)} of {len(told)} exchanges held again\n")
    for reason, count in Counter(filter(None, (because(*difference) for difference in found))).most_common():
        sys.stdout.write(f"  {count} differ because: {reason}\n")
    unknown = [difference for difference in sorted(found) if not because(*difference)]
    for where, theirs, ours in unknown:
        often = f" ({found[where, theirs, ours]} times)" if found[where, theirs, ours] > 1 else ""
        sys.stdout.write(f"  {where}{often}\n    Azure: {theirs}\n    here:  {ours}\n")
    return int(bool(unknown))


async def _found(asked: list[Interaction], switches: knobs.Knobs | None) -> Counter[tuple[str, str, str]]:
    async with replay(asked, switches) as conversation:
        await conversation.play(asked)
        return conversation.found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
