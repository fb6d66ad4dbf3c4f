"""A temporary folder that goes with its owner, even with one that is killed: a private key and logs lie in it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

# It reads until its standard input closes, which happens when its owner closes it or ends in whatever way.
_KEEPER = ("/bin/sh", "-c", 'read -r _; exec rm -rf -- "$0"')
_WITHIN = 5.0


class Scratch:
    """path: the folder."""

    def __init__(self, prefix: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix))
        self._keeper = subprocess.Popen(  # noqa: S603 - our own command line
            [*_KEEPER, str(self.path)],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the owner, which stops things in order
        )

    def close(self) -> None:
        """Remove it. Twice is once."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        try:
            self._keeper.wait(_WITHIN)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        shutil.rmtree(self.path, ignore_errors=True)
