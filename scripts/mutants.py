"""Break the pure core on purpose, one place at a time, and count what its tests do not notice.

mutmut changes the code inside functions; tables at module level (the legal transitions) are not changed, and are
pinned by tests of their own. It works in a copy under .work, so an interrupted run leaves the tree as it was.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / ".work" / "mutants"
MUTMUT = Path(sys.executable).with_name("mutmut")
MUTATED = ("rollouts/machine.py", "rollouts/traffic.py", "rollouts/analysis.py", "rollouts/bets.py")
TESTS = ("tests/rollouts",)
COPIED = ("rollouts", "policies", "delivery", "cloud", "tests", "docs", "pyproject.toml")
UNCHECKED, UNREACHED = "not checked", "no tests"  # mutmut's words
ALIVE = ("survived", "suspicious")


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
        "also_copy": ["delivery", "cloud", "docs"],
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


def verdicts() -> dict[str, str]:
    """Each mutant's name and what became of it, in mutmut's words."""
    asked = subprocess.run([MUTMUT, "results", "--all", "true"], cwd=PLACE, capture_output=True, text=True, check=False)
    pairs = (line.strip().partition(": ") for line in asked.stdout.splitlines())
    return {name: verdict for name, _, verdict in pairs if verdict}


def functions_of(module: str) -> dict[str, list[str]]:
    """The lines of every function in mutmut's copy of a module, where each mutant is a function of its own."""
    text = (PLACE / "mutants" / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
    lines = text.splitlines()
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name: lines[function.lineno : function.end_lineno] for function in functions}


def changed_lines(mutant: str, functions: dict[str, list[str]]) -> Iterator[str]:
    """The lines the mutant takes out and puts in."""
    name = mutant.rpartition(".")[2]
    original = name.rpartition("_")[0] + "_orig"
    for line in difflib.unified_diff(functions[original], functions[name], n=0):
        if not line.startswith(("---", "+++", "@@")):
            yield line.rstrip()


def report(found: dict[str, str], seconds: float) -> None:
    """Every mutant the tests let live, then the functions they never enter, then the sums."""
    functions = {name: functions_of(name) for name in {mutant.rpartition(".")[0] for mutant in found}}
    alive = [mutant for mutant, verdict in found.items() if verdict in ALIVE]
    unreached = Counter(mutant.rpartition("__mutmut_")[0] for mutant, verdict in found.items() if verdict == UNREACHED)
    counts = Counter(found.values())
    for mutant in alive:
        changes = "\n".join(f"      {line}" for line in changed_lines(mutant, functions[mutant.rpartition(".")[0]]))
        print(f"  {found[mutant]}  {mutant}\n{changes}")
    for function, number in unreached.items():
        print(f"  reached by no test  {function} ({number} mutants)")
    survived = len(alive) + counts[UNREACHED]
    killed = len(found) - survived - counts[UNCHECKED]
    print(
        f"mutants: {len(found)} made, {killed} killed, {survived} survived ({counts[UNREACHED]} of these reached by "
        f"no test), {counts[UNCHECKED]} not tried; {seconds:.0f} s"
    )


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
