"""What an app is like before it is adopted, and its first row."""

from __future__ import annotations

from typing import Any

import pytest

from cli.first_row import FirstRow, first_row, guess
from cli.preflight import Means, Preflight, inspect
from policies.parse import parse
from policies.tag_cell import read_tags

READY = "ca-web--abc"


def an_app(
    *, ingress: Any = ..., mode: str = "Multiple", name: str = "ca-web", ready: str = READY, **template: Any
) -> Any:
    default = {"external": True, "targetPort": 8080, "traffic": [{"revisionName": READY, "weight": 100}]}
    return {
        "name": name,
        "properties": {
            "latestReadyRevisionName": ready,
            "configuration": {"activeRevisionsMode": mode, "ingress": default if ingress is ... else ingress},
            "template": {
                "containers": [{"name": "web", "image": "x", "probes": [{"type": "Readiness"}]}],
                "scale": {"minReplicas": 1},
                **template,
            },
        },
    }


def found(app: Any, what: str, revisions: Any = ()) -> list[tuple[Means, str]]:
    return [(one.means, one.said) for one in inspect(app, revisions).findings if one.what == what]


def ingress(**more: Any) -> dict[str, Any]:
    return {"external": True, "traffic": [{"revisionName": READY, "weight": 100}], **more}


def test_an_app_that_is_ready_to_be_adopted_has_nothing_to_change() -> None:
    seen: Preflight = inspect(an_app(), [{"name": READY, "properties": {"active": True}}])
    assert {one.means for one in seen.findings} == {Means.FINE}
    assert (seen.stable, seen.single, seen.ingress, seen.stops) == (READY, False, True, ())


@pytest.mark.parametrize(
    ("app", "what", "means", "said"),
    [
        (an_app(mode="Single"), "mode", Means.CHANGE, "Single"),
        (an_app(mode="Single"), "traffic", Means.CHANGE, "follows the latest revision"),
        (
            an_app(ingress=ingress(traffic=[{"latestRevision": True, "weight": 100}])),
            "traffic",
            Means.CHANGE,
            "follows the latest revision",
        ),
        (
            an_app(ingress=ingress(traffic=[{"revisionName": "a", "weight": 60}, {"revisionName": "b", "weight": 40}])),
            "traffic",
            Means.STOP,
            "split: a 60, b 40",
        ),
        (an_app(ready=""), "traffic", Means.NOTE, "no revision was ever ready"),
        (an_app(ingress=None), "ingress", Means.NOTE, "none"),
        (an_app(ingress=ingress(external=False)), "ingress", Means.NOTE, "internal"),
        (an_app(ingress=ingress(stickySessions={"affinity": "sticky"})), "stickiness", Means.STOP, "sticky sessions"),
        (an_app(ingress=ingress(clientCertificateMode="Require")), "client certificates", Means.STOP, "required"),
        (an_app(ingress=ingress(ipSecurityRestrictions=[{"name": "a"}])), "IP rules", Means.NOTE, "1 rules"),
        (an_app(ingress=ingress(transport="Tcp")), "transport", Means.NOTE, "tcp"),
        (an_app(name="a" * 40), "name", Means.STOP, f"{'a' * 40}, 40 characters"),
        (an_app(scale={"minReplicas": None}), "minReplicas", Means.NOTE, "0"),
        (an_app(scale={"minReplicas": 1, "rules": [{"azureQueue": {}}]}), "scale rules", Means.NOTE, "custom"),
        (an_app(scale={"minReplicas": 1, "rules": [{"http": {"a": 1}}]}), "scale rules", None, ""),
        (
            an_app(scale={"minReplicas": 1, "rules": [{"custom": {"type": "kafka"}}]}),
            "scale rules",
            Means.NOTE,
            "kafka",
        ),
        (
            an_app(scale={"minReplicas": 1, "rules": [{"custom": {"type": kind}} for kind in ("cpu", "cron")]}),
            "scale rules",
            None,
            "",
        ),
        (an_app(containers=[{"name": "web", "image": "x"}]), "probes", Means.NOTE, "none in the template"),
    ],
)
def test_what_is_found_and_what_it_means(app: Any, what: str, means: Means | None, said: str) -> None:
    assert found(app, what) == ([(means, said)] if means else [])


def test_a_dapr_subscriber_and_a_queue_worker_are_told_of_what_a_canary_at_0_percent_does() -> None:
    app = an_app(scale={"minReplicas": 1, "rules": [{"azureQueue": {}}]})
    app["properties"]["configuration"]["dapr"] = {"enabled": True, "appId": "orders"}
    notes = {one.what: one.then for one in inspect(app, ()).findings if one.means is Means.NOTE}
    assert "also at 0 %" in notes["scale rules"]
    assert "also at 0 %" in notes["Dapr"]


def test_weights_are_summed_per_revision() -> None:
    """Two entries of one revision, one of them by a label, are one."""
    entries = [
        {"revisionName": READY, "weight": 70},
        {"latestRevision": True, "weight": 30},
        {"revisionName": "b", "weight": 0},
    ]
    seen = inspect(an_app(ingress=ingress(traffic=entries)), [])
    assert seen.stable == READY


def test_revisions_of_others_are_told_of() -> None:
    revisions = [{"name": name, "properties": {"active": True}} for name in (READY, "ca-web--other")]
    assert found(an_app(), "revisions", revisions) == [(Means.NOTE, f"2 active: {READY}, ca-web--other")]


@pytest.mark.parametrize(
    ("tag", "cell"),
    [
        ("1.4.2", "semver"),
        ("v2.0.0-rc.1", "semver: >=0.0.0-0"),
        ("4821", "number"),
        ("latest", "exact: latest"),
        ("main-4821", "newest from main-*"),
        ("main-3f9a2c1", "newest from main-*"),
        ("release", "exact: release"),
        ("", "semver"),
    ],
)
def test_the_first_rows_tags_take_images_like_the_one_that_runs(tag: str, cell: str) -> None:
    guessed, _ = guess(tag)
    assert guessed == cell
    assert not tag or read_tags(guessed).select(tag).selected


def test_the_first_row_of_an_app() -> None:
    containers = [{"name": "web", "image": "contoso.azurecr.io/shop/web:1.4.2"}, {"name": "log", "image": "busybox"}]
    row = first_row("rg-shop", "ca-web", containers, ingress=True, tcp=False, observe=True)
    assert isinstance(row, FirstRow)
    assert row.partition == "contoso.azurecr.io|shop|web"
    assert row.columns == {"App": "rg-shop/ca-web", "Tags": "semver", "Mode": "observe"}

    twice = [{"name": name, "image": "contoso.azurecr.io/shop/web:1.4.2"} for name in ("web", "job")]
    row = first_row("rg-shop", "ca-web", twice, ingress=False, tcp=False, observe=False)
    assert isinstance(row, FirstRow)
    assert row.columns == {"App": "rg-shop/ca-web", "Tags": "semver", "Container": "web", "Steps": "replace"}


def test_the_first_row_of_a_tcp_app_checks_no_requests() -> None:
    seen = inspect(an_app(ingress=ingress(transport="Tcp")), ())
    row = first_row(
        "rg-shop",
        "ca-db",
        [{"name": "db", "image": "contoso.azurecr.io/shop/db:7"}],
        ingress=seen.ingress,
        tcp=seen.tcp,
        observe=False,
    )

    assert isinstance(row, FirstRow)
    assert row.columns == {"App": "rg-shop/ca-db", "Tags": "number", "Checks": "restarts == 0"}
    parse(row.partition, "production", row.columns, None)


def test_an_app_without_an_image_of_a_registry_has_no_row() -> None:
    said = first_row("rg", "app", [{"name": "web", "image": "nginx:1"}], ingress=True, tcp=False, observe=True)
    assert said == "no container runs an image of a registry; found nginx:1"
