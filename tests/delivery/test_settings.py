"""Settings are read once, and everything that is missing or wrong is said at once, with what was expected."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from delivery.settings import SettingsError, problems, read
from tests.source import ROOT

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
SMALLEST = {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "WEIGHBRIDGE_SUBSCRIPTION": SUBSCRIPTION}
STORAGE = "AzureWebJobsStorage"
WAYS = (
    f"{STORAGE}: expected a connection string, {STORAGE}__accountName, or both {STORAGE}__tableServiceUri and "
    f"{STORAGE}__queueServiceUri, found"
)


def test_the_smallest_environment_is_enough():
    assert problems(SMALLEST) == []


@pytest.mark.parametrize(
    "storage",
    [
        {f"{STORAGE}__accountName": "stweighbridge"},
        {f"{STORAGE}__tableServiceUri": "https://t.example", f"{STORAGE}__queueServiceUri": "https://q.example"},
        {STORAGE: "AccountName=a;AccountKey=b", f"{STORAGE}__accountName": ""},
    ],
)
def test_each_way_to_the_storage_is_enough(storage):
    assert problems({"WEIGHBRIDGE_SUBSCRIPTION": SUBSCRIPTION, **storage}) == []


def test_a_blank_setting_is_one_that_is_not_there():
    blank = {"WEIGHBRIDGE_ARM": "", "METRICS_SETTLE": " ", "WEIGHBRIDGE_DEFENDER": "", "WEIGHBRIDGE_PAGE": ""}
    assert read({**SMALLEST, **blank}) == read(SMALLEST)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (STORAGE, "secret-key", "expected a connection string, found a text without an equals sign"),
        (f"{STORAGE}__clientId", "me", "expected the client id of an identity, found 'me'"),
        ("WEIGHBRIDGE_SUBSCRIPTION", "Production", "expected the subscription id of the apps, found 'production'"),
        ("WEIGHBRIDGE_ARM", "http://arm", "expected an https:// address, found 'http://arm'"),
        ("WEIGHBRIDGE_LOGS", "logs", "expected an https:// address, found 'logs'"),
        ("WEIGHBRIDGE_PAGE", "fn.example/api", "expected an https:// address, found 'fn.example/api'"),
        ("WEIGHBRIDGE_PROBE_VIA", "10.0.0.4", "expected host:port, found '10.0.0.4'"),
        ("WEIGHBRIDGE_PROBE_VIA", ":443", "expected host:port, found ':443'"),
        ("WEIGHBRIDGE_REGISTRIES", "a=b", "expected login.server=https://host[,…], found 'a=b'"),
        ("METRICS_SETTLE", "-1", "expected seconds from 0 to 3600, found '-1'"),
        ("METRICS_SETTLE", "nan", "expected seconds from 0 to 3600, found 'nan'"),
        ("WEIGHBRIDGE_LOOK_EVERY", "soon", "expected seconds from 0 to 3600, found 'soon'"),
        ("WEIGHBRIDGE_DEFENDER", "yes", "expected on or off, found 'yes'"),
        ("WEIGHBRIDGE_SUBSCRIPTON", "x", "no such setting; did you mean WEIGHBRIDGE_SUBSCRIPTION?"),
        ("WEIGHBRIDGE_PROBEVIA", "x", "no such setting; did you mean WEIGHBRIDGE_PROBE_VIA?"),
    ],
)
def test_a_wrong_setting_says_what_was_expected_and_what_was_found(name, value, said):
    assert problems({**SMALLEST, name: value}) == [f"{name}: {said}"]


@pytest.mark.parametrize("name", ["WEIGHBRIDGE_SECRET_OPS", "WEIGHBRIDGE_ANYTHING", "PATH"])
def test_what_is_none_of_ours_is_left_alone(name):
    assert problems({**SMALLEST, name: "x"}) == []


def test_two_ways_to_the_storage_are_one_too_many():
    both = {**SMALLEST, f"{STORAGE}__accountName": "stweighbridge"}
    assert problems(both) == [f"{STORAGE}: expected no connection string beside {STORAGE}__accountName, found both"]


def test_half_a_way_to_the_storage_is_none():
    half = {"WEIGHBRIDGE_SUBSCRIPTION": SUBSCRIPTION, f"{STORAGE}__tableServiceUri": "https://t.example"}
    assert problems(half) == [f"{WAYS} one of the two"]


def test_every_problem_is_said_at_once():
    wrong = {
        f"{STORAGE}__accountName": "Not_An_Account",
        f"{STORAGE}__clientId": "me",
        "WEIGHBRIDGE_ARM": "http://arm",
        "WEIGHBRIDGE_LOGS": "http://logs",
        "WEIGHBRIDGE_PROBE_VIA": "ingress",
        "WEIGHBRIDGE_REGISTRIES": "a=b,c",
        "METRICS_SETTLE": "x",
        "WEIGHBRIDGE_LOOK_EVERY": "x",
        "WEIGHBRIDGE_PAGE": "x",
        "WEIGHBRIDGE_DEFENDER": "x",
        "WEIGHBRIDGE_DEFENDER_KEYS": "x",
        "WEIGHBRIDGE_DEFENDER_QUERY": "x",
        "WEIGHBRIDGE_ACR_WEBHOOK_SECRET": "x",
        "WEIGHBRIDGE_LOOKEVERY": "x",
    }
    with pytest.raises(SettingsError) as raised:
        read(wrong)
    told = [line.partition(":")[0] for line in str(raised.value).splitlines()]
    assert sorted(told) == sorted([*wrong, "WEIGHBRIDGE_REGISTRIES", "WEIGHBRIDGE_SUBSCRIPTION"])


def test_no_problem_repeats_a_secret():
    secret = {STORAGE: "hunter2", "WEIGHBRIDGE_ACR_WEBHOOK_SECRET": "hunter2"}
    assert "hunter2" not in "\n".join(problems(secret))


@pytest.mark.parametrize(("environ", "said"), [({}, 2), (SMALLEST, 0)], ids=["none", "the smallest"])
def test_a_start_says_them_before_the_first_event(environ, said):
    code = "import logging; logging.basicConfig(format='%(name)s %(message)s'); import function_app"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environ)
    lines = [line for line in found.stderr.splitlines() if line.startswith("weighbridge.settings ")]
    assert len(lines) == said
    assert logging.getLogger("weighbridge.settings").name == "weighbridge.settings"
