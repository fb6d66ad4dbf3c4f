"""The check of the deployment bites: it passes what is here, and names each planted mistake with its line."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.check_infra.check import check
from tests.source import ROOT

CHECKED = ("infra", "host.json", "local.settings.sample.json")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout of what is checked, to plant mistakes in."""
    for name in CHECKED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def plant(root: Path, name: str, before: str, after: str) -> int:
    """Replace the first `before`, and tell its line."""
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert before in text, (name, before)
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return text[: text.index(before)].count("\n") + 1


def test_what_is_here_has_no_problem():
    assert [str(problem) for problem in check(ROOT)] == []


MISTAKES = [
    (
        "a wrong property",
        "modules/pushes.bicep",
        "maxDeliveryAttempts: 30",
        "maxDeliveryAttemps: 30",
        "retryPolicy.maxDeliveryAttemps: no such property; did you mean maxDeliveryAttempts?",
    ),
    (
        "a wrong property of what is chosen by another",
        "modules/pushes.bicep",
        "queueName: 'events'",
        "queue: 'events'",
        "destination.properties.queue: no such property; did you mean queueName?",
    ),
    (
        "a wrong enum",
        "modules/topics.bicep",
        "'CloudEventSchemaV1_0'",
        "'CloudEventSchemaV1'",
        "inputSchema: expected one of CloudEventSchemaV1_0, CustomEventSchema, EventGridSchema, found 'CloudEventSch",
    ),
    (
        "a wrong operator of a filter",
        "modules/pushes.bicep",
        "operatorType: 'IsNotNull'",
        "operatorType: 'NotNull'",
        "advancedFilters[].operatorType: expected one of BoolEquals, IsNotNull, ",
    ),
    (
        "a wrong type",
        "modules/scans.bicep",
        "eventTimeToLiveInMinutes: 1440",
        "eventTimeToLiveInMinutes: '1440'",
        "retryPolicy.eventTimeToLiveInMinutes: expected a number, found '1440'",
    ),
    (
        "a text for a list",
        "modules/scans.bicep",
        "['Weighbridge.ImageScanCompleted', 'Weighbridge.DoctorCalled']",
        "'Weighbridge.ImageScanCompleted'",
        "filter.includedEventTypes: expected a list, found 'Weighbridge.ImageScanCompleted'",
    ),
    (
        "a missing required field",
        "modules/monitoring.bicep",
        "    Application_Type: 'web'\n",
        "",
        "Microsoft.Insights/components.properties.Application_Type: expected ApplicationType, found none",
    ),
    (
        "a missing location",
        "modules/identity.bicep",
        "  name: name\n  location: location\n",
        "  name: name\n",
        "userAssignedIdentities.location: expected string, found none",
    ),
    (
        "a property that can be read only",
        "modules/topics.bicep",
        "disableLocalAuth: true\n",
        "disableLocalAuth: true\n    endpoint: 'https://x'\n",
        "topics.properties.endpoint: expected nothing: it can be read only",
    ),
    (
        "a wrong version",
        "modules/storage.bicep",
        "Microsoft.Storage/storageAccounts@2024-01-01",
        "Microsoft.Storage/storageAccounts@2042-01-01",
        "Microsoft.Storage/storageAccounts: expected version 2024-01-01, found 2042-01-01",
    ),
    (
        "a resource type that there is not",
        "modules/registry.bicep",
        "Microsoft.ContainerRegistry/registries@",
        "Microsoft.ContainerRegistry/registry@",
        "Microsoft.ContainerRegistry/registry: expected a resource type of infra/types, found 2023-07-01",
    ),
    (
        "a wrong role",
        "modules/storage.bicep",
        "storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'",
        "storageQueueDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'",
        "roles: expected the id 974c5e8b-45b9-4653-ba55-5f855dd0fb88 of storageQueueDataContributor",
    ),
    (
        "a role that nobody has",
        "modules/group-access.bicep",
        "operatorRole)\n    principalId",
        "'b24988ac-6180-42a0-ab88-20f7382dd24c')\n    principalId",
        "roles: expected the id of a built-in role after its name",
    ),
    (
        "a setting that nobody reads",
        "modules/function.bicep",
        "WEIGHBRIDGE_DEFENDER: defender",
        "WEIGHBRIDGE_DEFENDR: defender",
        "WEIGHBRIDGE_DEFENDR: expected a setting that is read, found one that nobody reads",
    ),
    (
        "a setting that Flex Consumption refuses",
        "modules/function.bicep",
        "PYTHON_ISOLATE_WORKER_DEPENDENCIES: '1'",
        "FUNCTIONS_WORKER_RUNTIME: 'python'",
        "FUNCTIONS_WORKER_RUNTIME: expected no such setting",
    ),
    (
        "a missing setting",
        "modules/function.bicep",
        "    WEIGHBRIDGE_SUBSCRIPTION: subscription().subscriptionId\n",
        "",
        "app settings: WEIGHBRIDGE_SUBSCRIPTION: expected the subscription id of the apps, found none",
    ),
    (
        "a wrong setting",
        "modules/function.bicep",
        "WEIGHBRIDGE_DEFENDER: defender",
        "WEIGHBRIDGE_DEFENDER: 'yes'",
        "app settings: WEIGHBRIDGE_DEFENDER: expected on or off, found 'yes'",
    ),
    (
        "keys of the storage",
        "modules/storage.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        "Microsoft.Storage/storageAccounts: allowSharedKeyAccess: expected false",
    ),
    (
        "keys of a topic",
        "modules/topics.bicep",
        "    disableLocalAuth: true\n",
        "",
        "Microsoft.EventGrid/topics: disableLocalAuth: expected true",
    ),
    (
        "an admin user",
        "modules/registry.bicep",
        "adminUserEnabled: false",
        "adminUserEnabled: true",
        "Microsoft.ContainerRegistry/registries: adminUserEnabled: expected false",
    ),
    (
        "a key in an output",
        "modules/storage.bicep",
        "output name string = account.name",
        "output name string = account.listKeys().keys[0].value",
        "output name: expected nothing secret, found listKeys()",
    ),
    (
        "a connection string in an output",
        "modules/monitoring.bicep",
        "output componentName string = component.name",
        "output componentName string = component.properties.ConnectionString",
        "output componentName: expected nothing secret, found ConnectionString",
    ),
    (
        "a secret in an output, by way of a variable and a text",
        "main.bicep",
        "output AZURE_LOCATION string = location",
        "@secure()\nparam hidden string = ''\nvar shown = '${hidden}!'\noutput AZURE_LOCATION string = shown",
        "output AZURE_LOCATION: expected nothing secret, found hidden",
    ),
    (
        "a name that nothing has",
        "modules/topics.bicep",
        "principalId: identityPrincipalId",
        "principalId: identityPrincipal",
        "identityPrincipal: expected a name that is declared here",
    ),
    (
        "a name in a text",
        "main.bicep",
        "'stwb${token}'",
        "'stwb${tokn}'",
        "tokn: expected a name that is declared here",
    ),
    (
        "a function that there is not",
        "main.bicep",
        "toLower(",
        "toLow(",
        "toLow: expected a function this check knows",
    ),
    (
        "what a resource does not have",
        "modules/topics.bicep",
        "scans.properties.endpoint",
        "scans.properties.endpoints",
        "scans.properties.endpoints: no such property; did you mean endpoint?",
    ),
    (
        "an output that a module does not have",
        "main.bicep",
        "storage.outputs.packageUrl",
        "storage.outputs.package",
        "storage.outputs.package: no such output of infra/modules/storage.bicep",
    ),
    (
        "a parameter that a module does not have",
        "main.bicep",
        "    defaultAction: storageDefaultAction\n",
        "    action: storageDefaultAction\n",
        "modules/storage.bicep: action: no such parameter",
    ),
    (
        "a parameter that a module needs",
        "connect.bicep",
        "    senders: scanSenders\n",
        "",
        "modules/scans.bicep: senders: expected a value, found none",
    ),
    (
        "a text for a truth",
        "connect.bicep",
        "registryAbac: registryAbac",
        "registryAbac: 'yes'",
        "registryAbac: expected bool, found 'yes'",
    ),
    (
        "a module that there is not",
        "connect.bicep",
        "'modules/pushes.bicep'",
        "'modules/push.bicep'",
        "module: expected a file of infra/, found modules/push.bicep",
    ),
    (
        "azd in a group that is not its own",
        "main.bicep",
        "scope: group\n",
        "scope: resourceGroup('rg-shop')\n",
        "module identity: expected the scope of a group made here; azd down deletes it",
    ),
    (
        "a name that is known too late",
        "main.bicep",
        "name: 'weighbridge-operations-${token}'",
        "name: 'weighbridge-operations-${identity.outputs.principalId}'",
        "name: expected what is known before anything is made, found identity.outputs.principalId",
    ),
    (
        "a query that is not there",
        "modules/alerts.bicep",
        "'../queries/late.kql'",
        "'../queries/later.kql'",
        "loadTextContent: expected a file beside this one, found none at ../queries/later.kql",
    ),
    (
        "a wrong property of an alert",
        "modules/alerts.bicep",
        "          metricMeasureColumn: rule.column",
        "          metricMeasuredColumn: rule.column",
        "criteria.allOf[].metricMeasuredColumn: no such property; did you mean metricMeasureColumn?",
    ),
    (
        "a wrong operator of an alert",
        "modules/undelivered.bicep",
        "operator: 'GreaterThan'",
        "operator: 'Greater'",
        "criteria.allOf[].operator: expected one of Equals, GreaterThan, ",
    ),
    (
        "an alert of a kind that there is not",
        "modules/undelivered.bicep",
        "'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'",
        "'Microsoft.Azure.Monitor.SingleResourceMetricCriteria'",
        "criteria.odata.type: expected one of Microsoft.Azure.Monitor.MultipleResourceMultipleMetricCriteria, ",
    ),
    (
        "an alert without a severity",
        "modules/undelivered.bicep",
        "    severity: 2\n",
        "",
        "Microsoft.Insights/metricAlerts.properties.severity: expected int, found none",
    ),
    (
        "an action group without a short name",
        "modules/alerts.bicep",
        "    groupShortName: 'weighbridge'\n",
        "",
        "Microsoft.Insights/actionGroups.properties.groupShortName: expected string, found none",
    ),
    (
        "a workbook without a name for people",
        "modules/workbook.bicep",
        "    displayName: 'Weighbridge'\n",
        "",
        "Microsoft.Insights/workbooks.properties.displayName: expected string, found none",
    ),
    (
        "no Bicep",
        "modules/topics.bicep",
        "resource scans '",
        "resource scans: '",
        "expected Bicep, found Unexpected token",
    ),
    (
        "a parameter of azd that is none",
        "main.parameters.json",
        '"alwaysReady"',
        '"alwaysReadyy"',
        "alwaysReadyy: no such parameter of infra/main.bicep",
    ),
    (
        "a word of host.json that nobody reads",
        "../host.json",
        '"visibilityTimeout"',
        '"visibilityTimout"',
        "host.extensions.queues.visibilityTimout: no such property; did you mean visibilityTimeout?",
    ),
    (
        "a text for a number in host.json",
        "../host.json",
        '"batchSize": 16',
        '"batchSize": "16"',
        "host.extensions.queues.batchSize: expected a number, found '16'",
    ),
]


@pytest.mark.parametrize(
    ("name", "before", "after", "said"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
)
def test_a_planted_mistake_is_found(copy, name, before, after, said):
    plant(copy, f"infra/{name}", before, after)
    found = [str(problem) for problem in check(copy)]
    assert any(said in problem for problem in found), found


def test_a_mistake_is_shown_with_its_file_and_line(copy):
    line = plant(copy, "infra/modules/pushes.bicep", "maxDeliveryAttempts: 30", "maxDeliveryAttemps: 30")
    [problem] = check(copy)
    assert (problem.file, problem.line) == ("infra/modules/pushes.bicep", line)


def test_all_mistakes_are_told_at_once(copy):
    plant(copy, "infra/modules/pushes.bicep", "maxDeliveryAttempts: 30", "maxDeliveryAttemps: 30")
    plant(copy, "infra/modules/topics.bicep", "resource scans '", "resource scans: '")
    assert {problem.file for problem in check(copy)} >= {"infra/modules/pushes.bicep", "infra/modules/topics.bicep"}


def test_the_program_ends_with_1_when_anything_is_wrong(copy):
    plant(copy, "infra/modules/registry.bicep", "adminUserEnabled: false", "adminUserEnabled: true")
    code = f"import scripts.check_infra.__main__ as m, pathlib; m.ROOT = pathlib.Path({str(copy)!r}); exit(m.main())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert re.match(r"infra/modules/registry\.bicep:\d+: .*adminUserEnabled: expected false", done.stderr)
