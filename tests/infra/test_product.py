"""What is deployed and what the code knows by name are the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery import names
from policies import events
from scripts.check_infra.bicep import read
from scripts.check_infra.values import Fields, Items, Plain, Value
from tests.source import ROOT, text

INFRA = ROOT / "infra"
BICEP = sorted(INFRA.rglob("*.bicep"))


def variable(module: str, name: str) -> Value:
    return read(INFRA / "modules" / f"{module}.bicep", module).variables[name]


def listed(value: Value) -> list[object]:
    assert isinstance(value, Items)
    return [item.literal for item in value.items if isinstance(item, Plain)]


@pytest.fixture(scope="module")
def functions() -> set[str]:
    """By their source: an app may be asked for its functions once only, and tests/handlers does."""
    modules = (ROOT / "handlers").glob("*.py")
    return {name for path in modules for name in re.findall(r'function_name\("(\w+)"\)', text_of(path))}


def test_every_table_and_queue_is_made_and_no_other():
    assert listed(variable("storage", "tables")) == list(names.TABLES)
    assert listed(variable("storage", "queues")) == list(names.QUEUES)


def test_what_could_not_be_delivered_has_its_container():
    container = variable("storage", "undelivered")
    assert isinstance(container, Plain)
    for module in ("pushes", "scans", "delivery-access"):
        assert f"'{container.literal}'" in text(f"infra/modules/{module}.bicep")


def test_subscriptions_deliver_to_functions_and_to_a_queue_that_there_are(functions):
    for module in ("pushes", "scans"):
        [function] = re.findall(r"/functions/(\w+)'", text(f"infra/modules/{module}.bicep"))
        assert function in functions
        [queue] = re.findall(r"queueName: '(\w+)'", text(f"infra/modules/{module}.bicep"))
        assert queue == names.EVENTS


def test_the_function_that_is_kept_ready_is_the_tick(functions):
    [ready] = re.findall(r"'function:(\w+)'", text("infra/modules/function.bicep"))
    assert ready == "tick"
    assert ready in functions


def test_what_a_registry_tells_is_only_pushes_with_a_tag():
    source = text("infra/modules/pushes.bicep")
    assert "includedEventTypes: ['Microsoft.ContainerRegistry.ImagePushed']" in source
    assert re.search(r"operatorType: 'IsNotNull'\s+key: 'data\.target\.tag'", source)


def test_the_topic_of_scans_delivers_scans_and_the_test_event_of_doctor():
    [types] = re.findall(r"includedEventTypes: \[(.*)\]", text("infra/modules/scans.bicep"))
    assert re.findall(r"'(.+?)'", types) == [events.SCANNED, events.CALLED]


def test_the_hooks_of_azd_are_programs_of_this_project():
    project: dict[str, Any] = yaml.safe_load(text("azure.yaml"))
    assert set(project["hooks"]) == {"postdeploy", "predown"}  # subscriptions need the deployed code
    for hook in project["hooks"].values():
        for system in ("posix", "windows"):
            [module] = re.findall(r"-m (infra\.hooks\.\w+)$", hook[system]["run"])
            assert (ROOT / Path(*module.split("."))).with_suffix(".py").is_file()
    assert project["services"]["weighbridge"] == {
        "project": ".",
        "language": "python",
        "host": "function",
        "remoteBuild": True,
    }


def test_azd_finds_the_function_app_by_its_tag():
    assert "'azd-service-name': 'weighbridge'" in text("infra/modules/function.bicep")


def test_what_the_hooks_need_is_what_the_deployment_tells():
    told = set(read(INFRA / "main.bicep", "main").outputs)
    needed = {
        name for path in (INFRA / "hooks").glob("*.py") for name in re.findall(r'needed\("(\w+)"\)', text_of(path))
    }
    of_azd = {"AZURE_ENV_NAME", "AZURE_SUBSCRIPTION_ID", "AZURE_LOCATION"}
    assert needed - of_azd <= told


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", BICEP, ids=[path.stem for path in BICEP])
def test_every_file_says_what_it_is_for(path):
    assert text_of(path).startswith("// ")


@pytest.mark.parametrize("path", BICEP, ids=[path.stem for path in BICEP])
def test_nothing_may_do_more_than_it_needs(path):
    """Owner, Contributor, User Access Administrator, Container Apps Contributor."""
    too_wide = ("8e3af657-", "b24988ac-", "18d7d88d-", "358470bc-")
    assert not [role for role in too_wide if role in text_of(path)]


def test_the_runtime_is_one_that_the_project_is_tested_on():
    [version] = re.findall(r"name: 'python'\s+version: '([\d.]+)'", text("infra/modules/function.bicep"))
    assert version == "3.12"
    assert "3.11, 3.12 or 3.13" in text("CONTRIBUTING.md")


def test_a_role_of_our_own_grants_no_wildcard():
    main = read(INFRA / "main.bicep", "main")
    for name in ("operator", "operations"):
        properties = main.resources[name].body.fields["properties"]
        assert isinstance(properties, Fields)
        [permission] = properties.fields["permissions"].items  # type: ignore[attr-defined] # a list
        assert not [action for action in listed(permission.fields["actions"]) if "*" in str(action)]
        for other in ("notActions", "dataActions", "notDataActions"):
            assert listed(permission.fields[other]) == []
