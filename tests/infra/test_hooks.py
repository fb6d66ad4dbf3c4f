"""The hooks of azd ask the Azure CLI for exactly this, in this order; a stand-in for it writes down what it hears."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.source import ROOT

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
REGISTRY = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-hub/providers/Microsoft.ContainerRegistry/registries/contoso"
)
ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    "AZURE_ENV_NAME": "wb",
    "AZURE_LOCATION": "westeurope",
    "AZURE_RESOURCE_GROUP": "rg-wb",
    "AZURE_FUNCTION_APP_NAME": "fn-weighbridge-abc123",
    "AZURE_STORAGE_ACCOUNT_NAME": "stwbabc123",
    "WEIGHBRIDGE_IDENTITY": "11111111-1111-1111-1111-111111111111",
    "WEIGHBRIDGE_OPERATOR_ROLE": "operator-role",
    "WEIGHBRIDGE_OPERATIONS_ROLE": "operations-role",
    "WEIGHBRIDGE_SCANS_TOPIC": "evgt-scans-abc123",
    "WEIGHBRIDGE_HOOK_EVERY": "0",
}
# Answers by the start of what is asked; `fail` is the standard error of a command that ends with 1, `times` how often.
AZ = """#!{python}
import json, pathlib, sys
home = pathlib.Path({home!r})
asked = sys.argv[1:]
said = json.loads((home / "answers.json").read_text())
heard = home / "heard.jsonl"
told = [json.loads(line) for line in heard.read_text().splitlines()] if heard.exists() else []
given = {{a[1:]: json.loads(pathlib.Path(a[1:]).read_text()) for a in asked if a.startswith("@")}}
with heard.open("a") as file:
    print(json.dumps({{"asked": asked, "parameters": next(iter(given.values()), None)}}), file=file)
line = " ".join(asked)
for start, answer in said.items():
    if line.startswith(start):
        before = sum(" ".join(one["asked"]).startswith(start) for one in told)
        if isinstance(answer, dict) and "fail" in answer and before < answer.get("times", 99):
            sys.exit(answer["fail"])
        print(json.dumps(answer.get("then") if isinstance(answer, dict) and "fail" in answer else answer))
        sys.exit(0)
print("null")
"""


class Az:
    """The stand-in, and a hook that asks it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.answers: dict[str, Any] = {
            "acr show": {"id": REGISTRY, "location": "northeurope", "roleAssignmentMode": "LegacyRegistryPermissions"},
            "eventgrid system-topic list": [],
        }
        program = home / "az"
        program.write_text(AZ.format(python=sys.executable, home=str(home)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def run(self, hook: str, **changes: str) -> tuple[int, str]:
        (self.home / "answers.json").write_text(json.dumps(self.answers))
        path = f"{self.home}{os.pathsep}{os.environ['PATH']}"
        environ = {**ENVIRONMENT, "PATH": path, **changes}
        command = [sys.executable, "-m", f"infra.hooks.{hook}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environ)
        return done.returncode, done.stderr

    @property
    def heard(self) -> list[dict[str, Any]]:
        path = self.home / "heard.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def given(self) -> dict[str, Any]:
        """The parameters of the last deployment."""
        [*_, last] = [one["parameters"] for one in self.heard if one["parameters"]]
        return {name: entry["value"] for name, entry in last["parameters"].items()}


@pytest.fixture
def az(tmp_path: Path) -> Az:
    return Az(tmp_path)


def test_the_functions_are_known_before_the_subscriptions_are_made(az):
    code, said = az.run("connect", WEIGHBRIDGE_REGISTRY="contoso", WEIGHBRIDGE_APPS="rg-shop/ca-web")
    assert code == 0, said
    asked = [" ".join(one["asked"]) for one in az.heard]
    assert [line.split()[:2] for line in asked] == [
        ["acr", "show"],
        ["eventgrid", "system-topic"],
        ["rest", "--method"],
        ["rest", "--method"],
        ["rest", "--method"],
        ["deployment", "sub"],
    ]
    assert ["/image_pushed?" in asked[2], "/scan_completed?" in asked[3], "/queued_event?" in asked[4]] == [True] * 3
    assert all(f"--subscription {SUBSCRIPTION}" in line for line in asked)


def test_the_deployment_is_none_that_azd_would_take_for_its_own(az):
    az.run("connect", WEIGHBRIDGE_REGISTRY="contoso")
    [deployment] = [one["asked"] for one in az.heard if one["asked"][:3] == ["deployment", "sub", "create"]]
    assert deployment[deployment.index("--name") + 1] == "weighbridge-wb" != ENVIRONMENT["AZURE_ENV_NAME"]


def test_its_parameters_are_those_of_the_template(az):
    from scripts.check_infra.bicep import read  # noqa: PLC0415 - reading Bicep is this test's alone

    az.run("connect", WEIGHBRIDGE_REGISTRY="contoso", WEIGHBRIDGE_APPS="rg-shop/ca-web, rg-mail/ca-mail")
    template = read(ROOT / "infra" / "connect.bicep", "connect.bicep")
    given = az.given()
    assert set(given) == set(template.parameters)
    kinds: dict[str, type] = {"string": str, "bool": bool, "array": list}
    assert all(type(given[name]) is kinds[parameter.type] for name, parameter in template.parameters.items())
    assert given["apps"] == [{"group": "rg-shop", "name": "ca-web"}, {"group": "rg-mail", "name": "ca-mail"}]
    assert (given["registryId"], given["registryLocation"]) == (REGISTRY, "northeurope")
    assert (given["makeRegistry"], given["registryAbac"], given["delivery"]) == (False, False, "AzureFunction")


def test_a_registry_that_gives_rights_by_repository_is_known_for_it(az):
    az.answers["acr show"]["roleAssignmentMode"] = "AbacRepositoryPermissions"
    az.run("connect", WEIGHBRIDGE_REGISTRY=REGISTRY)
    assert az.given()["registryAbac"] is True
    assert az.heard[0]["asked"][2:4] == ["--ids", REGISTRY]


def test_without_a_registry_one_is_made_in_a_group_that_azd_never_deletes(az):
    code, _ = az.run("connect")
    given = az.given()
    assert code == 0
    assert given["makeRegistry"] is True
    assert given["registryId"].endswith(
        "/resourceGroups/rg-wb-registry/providers/Microsoft.ContainerRegistry/registries/crwbabc123"
    )


@pytest.mark.parametrize(
    ("name", "group", "identity", "made"),
    [
        ("evgt-contoso", "rg-hub", {"type": "SystemAssigned"}, True),
        ("evgt-of-another-team", "RG-hub", {"type": "SystemAssigned"}, False),
    ],
    ids=["our own", "of another team"],
)
def test_a_system_topic_that_is_there_is_used(az, name, group, identity, made):
    az.answers["eventgrid system-topic list"] = [
        {"source": "/elsewhere", "name": "x", "resourceGroup": "rg-x"},
        {"source": REGISTRY.lower(), "name": name, "resourceGroup": group, "identity": identity},
    ]
    az.run("connect", WEIGHBRIDGE_REGISTRY="contoso")
    assert (az.given()["systemTopicName"], az.given()["makeSystemTopic"]) == (name, made)


def test_what_is_not_there_yet_is_asked_for_again(az):
    az.answers["rest"] = {"fail": "NotFound", "times": 4}
    az.answers["deployment sub create"] = {"fail": "Destination endpoint not found", "times": 2}
    code, said = az.run("connect", WEIGHBRIDGE_REGISTRY="contoso")
    assert code == 0
    assert "function image_pushed: not yet; 9 more tries, one every 0 s" in said


def test_it_gives_up_with_the_last_words_of_azure(az):
    az.answers["deployment sub create"] = {"fail": "one\ntwo\nThe client does not have authorization"}
    code, said = az.run("connect", WEIGHBRIDGE_REGISTRY="contoso")
    assert code == 1
    assert said.splitlines()[-1] == "The client does not have authorization"
    assert sum(one["asked"][0] == "deployment" for one in az.heard) == 10


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"AZURE_LOCATION": ""}, "AZURE_LOCATION: expected a value in the azd environment, found none"),
        ({"WEIGHBRIDGE_REGISTRY": "a,b"}, "WEIGHBRIDGE_REGISTRY: expected one, found 2"),
        ({"WEIGHBRIDGE_APPS": "ca-web"}, "WEIGHBRIDGE_APPS: expected <group>/<name>, found 'ca-web'"),
        ({"WEIGHBRIDGE_APPS": "a/b/c"}, "WEIGHBRIDGE_APPS: expected <group>/<name>, found 'a/b/c'"),
        ({"WEIGHBRIDGE_DELIVERY": "queue"}, "expected AzureFunction or StorageQueue, found 'queue'"),
    ],
)
def test_a_mistake_is_told_before_anything_is_made(az, changes, said):
    code, told = az.run("connect", **{"WEIGHBRIDGE_REGISTRY": "contoso", **changes})
    assert (code, said in told) == (1, True), told
    assert "deployment" not in [one["asked"][0] for one in az.heard]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {"resourceGroup": "rg-elsewhere"},
            "contoso: expected its system topic in rg-hub, found theirs in rg-elsewhere",
        ),
        ({"resourceGroup": "rg-hub"}, "theirs: expected a system-assigned identity, found none"),
    ],
    ids=["in another group", "without an identity"],
)
def test_a_system_topic_that_cannot_be_used_is_told(az, found, said):
    az.answers["eventgrid system-topic list"] = [{"source": REGISTRY, "name": "theirs", **found}]
    code, told = az.run("connect", WEIGHBRIDGE_REGISTRY="contoso")
    assert (code, said in told) == (1, True), told


# ---- down


def down(az: Az, **changes: str) -> tuple[int, str]:
    az.answers = {
        "acr show": {"id": REGISTRY, "location": "northeurope"},
        "storage entity query": {"items": []},
        "eventgrid system-topic list": [
            {"source": REGISTRY, "name": "evgt-contoso", "resourceGroup": "rg-hub", "identity": {}},
        ],
        "eventgrid system-topic event-subscription list": [],
        "role assignment list": [{"id": "/a/1"}, {"id": "/a/2"}],
        **az.answers.get("more", {}),
    }
    return az.run("disconnect", WEIGHBRIDGE_REGISTRY="contoso", **changes)


def test_down_takes_back_what_azd_does_not_know_of(az):
    code, said = down(az)
    assert code == 0, said
    asked = [" ".join(one["asked"]) for one in az.heard]
    assert [line for line in asked if " delete" in line and "event-subscription" in line]
    assert [line for line in asked if line.startswith("eventgrid system-topic delete") and "evgt-contoso" in line]
    assert [line for line in asked if line.startswith("role assignment delete --ids /a/1 /a/2")]
    assert [line.split()[4] for line in asked if line.startswith("role definition delete")] == [
        "operator-role",
        "operations-role",
    ]


def test_down_leaves_a_system_topic_that_others_use(az):
    az.answers["more"] = {"eventgrid system-topic event-subscription list": [{"name": "theirs"}]}
    code, _ = down(az)
    assert code == 0
    assert not [one for one in az.heard if one["asked"][:3] == ["eventgrid", "system-topic", "delete"]]


def test_down_stops_while_an_app_is_on_its_way_and_takes_nothing_back(az):
    key = "|subscriptions|s|resourcegroups|rg-shop|providers|microsoft.app|containerapps|ca-web"
    az.answers["more"] = {"storage entity query": {"items": [{"PartitionKey": "03", "RowKey": key}]}}
    code, said = down(az)
    assert code == 1
    assert "expected no app on its way, found 1: ca-web" in said
    assert not [one for one in az.heard if "delete" in one["asked"]]


def test_down_goes_on_all_the_same_when_told_to(az):
    az.answers["more"] = {"storage entity query": {"fail": "must not be asked"}}
    assert down(az, WEIGHBRIDGE_DOWN="anyway")[0] == 0


def test_down_of_what_was_never_made_asks_nothing(az):
    assert down(az, AZURE_STORAGE_ACCOUNT_NAME="")[0] == 0
    assert az.heard == []
