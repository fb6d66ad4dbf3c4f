"""The shape of the product that no linter checks. Directions of imports: pyproject.toml, `make check`."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source import PRODUCT, ROOT, imported, modules, text, tree_of

PACKAGES = [name for name in (*PRODUCT, "localcloud") if (ROOT / name).is_dir()]
ADAPTERS = [path for path in modules() if path.relative_to(ROOT).parts[0] in ("cloud", "notify")]
CLOCK = ROOT / "delivery" / "clock.py"
ASKS_THE_TIME = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns")
LONGEST_FUNCTION = 50  # lines; the mark to aim at is 40


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


each_module = pytest.mark.parametrize("path", modules(), ids=name_of)
each_adapter = pytest.mark.parametrize("path", ADAPTERS, ids=name_of)


@pytest.mark.parametrize("name", PACKAGES)
def test_our_package_wins_although_the_functions_worker_appends_our_root_last(name: str) -> None:
    code = f"import sys, importlib.util as u; sys.path.append({str(ROOT)!r}); print(u.find_spec({name!r}).origin)"
    found = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd="/")

    assert Path(found.stdout.strip()) == ROOT / name / "__init__.py"


def test_no_top_level_name_hides_a_module_of_python_or_azure() -> None:
    names = {path.stem for path in ROOT.iterdir() if path.name[0] != "." and (path.is_dir() or path.suffix == ".py")}

    assert not names & (set(sys.stdlib_module_names) | {"azure"})


@each_module
def test_the_module_says_its_one_job(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


@each_module
def test_no_function_outgrows_a_screen(path: Path) -> None:
    functions = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in functions}

    assert not {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}


@each_module
def test_time_comes_only_from_the_clock(path: Path) -> None:
    calls = {ast.unparse(node.func) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)}

    assert path == CLOCK or not {
        call for call in calls if f".{call}".endswith(tuple(f".{ask}" for ask in ASKS_THE_TIME))
    }


@each_adapter
def test_an_adapter_knows_of_delivery_only_what_it_implements(path: Path) -> None:
    allowed = ("delivery.ports.", "delivery.errors.", "delivery.settings.")

    assert not {name for name in imported(path) if name.startswith("delivery.") and not name.startswith(allowed)}


def test_the_composition_is_short_and_deploys_nothing_local() -> None:
    reached = {name.partition(".")[0] for name in imported(ROOT / "function_app.py")}

    assert len(text("function_app.py").splitlines()) < 60
    assert not reached & {"localcloud", "tests", "scripts"}
