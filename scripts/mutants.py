"""Break the pure core on purpose, one place at a time, and count what its tests do not notice.

mutmut changes the code inside functions; tables at module level (the legal transitions) are not changed, and are
pinned by tests of their own. It works in a copy under .work, so an interrupted run leaves the tree as it was.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / ".work" / "mutants"
MUTMUT = Path(sys.executable).with_name("mutmut")
MUTATED = ("rollouts/machine.py", "rollouts/traffic.py", "rollouts/analysis.py")
TESTS = ("tests/rollouts", "tests/policies")
COPIED = ("rollouts", "policies", "delivery", "tests", "pyproject.toml")
UNCHECKED, UNREACHED = "not checked", "no tests"  # mutmut's words
UNNOTICED = ("survived", UNREACHED, "suspicious")


def copy_tree(files: list[str]) -> None:
    """A fresh copy of what the core's tests need, and mutmut's own settings beside it."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, PLACE / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, PLACE / name)
    settings = {
        "source_paths": ["rollouts", "policies"],
        "only_mutate": files,
        "also_copy": ["delivery"],
        "pytest_add_cli_args_test_selection": [name for name in TESTS if (ROOT / name).is_dir()],
        "pytest_add_cli_args": ["-x", "-q", "--hypothesis-profile=mutants"],
        "use_git_change_detection": ["false"],
    }
    lines = [f"{key} =" + "".join(f"\n    {value}" for value in values) for key, values in settings.items()]
    (PLACE / "setup.cfg").write_text("\n".join(["[mutmut]", *lines, ""]), encoding="utf-8")


def run(seconds: float) -> tuple[int, str]:
    """Run mutmut until it ends or the time is over; its exit code, -1 for the latter, and its last words."""
    log = PLACE / "mutmut.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [MUTMUT, "run", "--max-children", str(os.cpu_count() or 2)],
            cwd=PLACE,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    words = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
    return code, "\n".join(words[-20:])


def ask(*arguments: str) -> str:
    return subprocess.run([MUTMUT, *arguments], cwd=PLACE, capture_output=True, text=True, check=False).stdout


def verdicts() -> dict[str, str]:
    """Each mutant's name and what became of it, in mutmut's words."""
    pairs = (line.strip().partition(": ") for line in ask("results", "--all", "true").splitlines())
    return {name: verdict for name, _, verdict in pairs if verdict}


def changed_lines(mutant: str) -> str:
    """The lines the mutant takes out and puts in."""
    changed = [line for line in ask("show", mutant).splitlines() if line[:1] in "-+" and line[:3] not in ("---", "+++")]
    return "\n".join(f"      {line}" for line in changed)


def report(found: dict[str, str], seconds: float) -> None:
    counts = Counter(found.values())
    unnoticed = [name for name, verdict in found.items() if verdict in UNNOTICED]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, lines in zip(unnoticed, pool.map(changed_lines, unnoticed), strict=True):
            print(f"  {found[name]}  {name}\n{lines}")
    killed = sum(counts.values()) - len(unnoticed) - counts[UNCHECKED]
    print(
        f"mutants: {len(found)} made, {killed} killed, {len(unnoticed)} survived "
        f"({counts[UNREACHED]} of these reached by no test), {counts[UNCHECKED]} not tried; {seconds:.0f} s"
    )
    print(f"closer:  cd {PLACE.relative_to(ROOT)} && {MUTMUT} show NAME")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=20, help="stop after this long and report what is known")
    parser.add_argument("files", nargs="*", default=list(MUTATED), help="modules of the core to change")
    options = parser.parse_args()
    began = time.monotonic()
    print(f"mutants of {', '.join(options.files)}, at most {options.minutes:g} min", flush=True)
    copy_tree(options.files)
    code, words = run(options.minutes * 60)
    found = verdicts()
    if code > 0 or not found:
        print(f"mutmut: expected to change and test the core, found exit {code}:\n{words}", file=sys.stderr)
        return 1
    report(found, time.monotonic() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
