"""Break the code on purpose, one place at a time, and count what the tests of its room do not notice.

mutmut changes the code inside functions; tables at module level (the legal transitions) are not changed, and are
pinned by tests of their own. It works in a copy under .work, so an interrupted run leaves the tree as it was.
A room is judged by its own tests: `policies/…` by `tests/policies`. Of a whole room (`policies`) a sample is enough;
which one, the seed says.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import random
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
ROOMS = ("rollouts", "policies", "delivery", "handlers", "cloud", "notify")
UNCHECKED, UNREACHED = "not checked", "no tests"  # mutmut's words
ALIVE = ("survived", "suspicious")


def modules(asked: list[str]) -> list[str]:
    """The modules of what was asked for: themselves, or all those below a folder."""
    found = (sorted((ROOT / name).rglob("*.py")) if (ROOT / name).is_dir() else [ROOT / name] for name in asked)
    return [path.relative_to(ROOT).as_posix() for paths in found for path in paths if path.name != "__init__.py"]


def tests_of(files: list[str]) -> list[str]:
    """The tests of the rooms these modules are in."""
    return sorted({f"tests/{Path(name).parts[0]}" for name in files})


def copy_tree(files: list[str]) -> None:
    """A fresh copy of the project, and mutmut's own settings beside it."""
    shutil.rmtree(PLACE, ignore_errors=True)
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    known = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    present = [name for name in known if (ROOT / name).is_file()]
    for name in present:
        (PLACE / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, PLACE / name)
    settings = {
        "source_paths": ROOMS,
        "only_mutate": files,
        "also_copy": sorted({Path(name).parts[0] for name in present} - set(ROOMS)),
        "pytest_add_cli_args_test_selection": tests_of(files),
        "pytest_add_cli_args": ["-x", "-q", "--hypothesis-profile=mutants"],
        "use_git_change_detection": ["false"],
    }
    lines = [f"{key} =" + "".join(f"\n    {value}" for value in values) for key, values in settings.items()]
    (PLACE / "setup.cfg").write_text("\n".join(["[mutmut]", *lines, ""]), encoding="utf-8")


def sampled(most: int, seed: int) -> list[str]:
    """That many of the mutants, by chance and the same for a seed. Makes all of them, which takes one run of the tests.

    mutmut makes them, and notes which test reaches which, before it finds that none has the name it was asked for.
    """
    run(3600, ["none of them"], 1)
    made = sorted(verdicts())
    return random.Random(seed).sample(made, min(most, len(made)))  # noqa: S311 - a repeatable sample, no secret


def run(seconds: float, chosen: list[str], children: int) -> tuple[int, str]:
    """Run mutmut until it ends or the time is over; its exit code, -1 for the latter, and its last words.

    chosen: the names of the mutants to try, [] for all.
    """
    log = PLACE / "mutmut.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [MUTMUT, "run", "--max-children", str(children), *chosen],
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
    parser.add_argument("--sample", type=int, metavar="N", help="try only N of the mutants, chosen by chance")
    parser.add_argument("--seed", type=int, default=1, help="of that choice")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 2, help="how many to try at the same time")
    parser.add_argument("files", nargs="*", default=list(MUTATED), help="modules, or folders of them, to change")
    options = parser.parse_args()
    began = time.monotonic()
    print(f"mutants of {', '.join(options.files)}, at most {options.minutes:g} min", flush=True)
    copy_tree(modules(options.files))
    chosen = sampled(options.sample, options.seed) if options.sample else []
    code, words = run(options.minutes * 60, chosen, options.children)
    found = verdicts()
    if code > 0 or not found:
        print(f"mutmut: expected to change and test the code, found exit {code}:\n{words}", file=sys.stderr)
        return 1
    report({name: found[name] for name in chosen or found}, time.monotonic() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
