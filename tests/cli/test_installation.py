"""The commands that ask an installation, against the product's own routes over a loopback port."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import azure.functions as func
import pytest

from delivery.ports import Put
from rollouts.model import Phase
from tests.cli.installation import SECRET, Installation
from tests.cli.run import run
from tests.delivery.shop import KEY, PARTITION, REGISTRY, REPOSITORY, ROW, digest
from tests.handlers.test_told import PUSHED, SCANNED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rollouts.model import App

APP = "rg-shop/ca-web"
IMAGE = f"{REGISTRY}/{REPOSITORY}:1.1.0"
ROUTE = "/api/apps/rg-shop%7Cca-web"


def rolling(installation: Installation, phase: Phase = Phase.BAKING, step: int = 0) -> None:
    """An image on its way."""
    installation.do(installation.shop.push(1))
    installation.do(installation.shop.run_until(phase, step))


def live(installation: Installation) -> Any:
    return installation.do(installation.shop.state()).live


def step_until(installation: Installation, is_so: Callable[[App], bool]) -> None:
    shop = installation.shop
    while not is_so(installation.do(shop.state())):
        installation.do(shop.step())


# ---- looking


def test_apps_says_what_the_users_have_and_what_rolls(installation, capsys):
    assert run(capsys, "apps").out == "nothing is going on\n"
    rolling(installation)
    answer = run(capsys, "apps")
    lines = answer.out.splitlines()
    assert (answer.code, lines[0]) == (0, "rg-shop/ca-web: an image of no known tag is stable, in ca-web--first")
    assert lines[1] == "   1  shop/web 1.1.0 (sha256:000001000000…)  baking at 5 %, step 1 of 3"
    assert json.loads(run(capsys, "apps", "--json").out)[0]["live"]["n"] == 1


def test_rollouts_lists_them_and_shows_one_with_every_because(installation, capsys):
    assert run(capsys, "rollouts", APP).out == "no image was ever offered to this app\n"
    installation.do(installation.shop.push(1))
    installation.do(installation.shop.run())
    answer = run(capsys, "rollouts", APP)
    assert answer.out.startswith("   1  shop/web 1.1.0 (sha256:000001000000…)  promoted: ")
    one = run(capsys, "rollouts", APP, 1).out
    assert f"by {PARTITION}/production" in one
    assert "✓ tag" in one
    assert "[RolloutPromoted]" in one
    gone = run(capsys, "rollouts", APP, 9)
    assert (gone.code, gone.err) == (
        2,
        "127.0.0.1: 404: there is no such thing here; `apps` and `rollouts/{app}` list what is\n",
    )


@pytest.mark.parametrize("app", ["ca-web", "rg-shop/ca-web/x", "rg shop/ca-web", "../ca-web?code=1"])
def test_an_app_that_is_not_named_so_is_not_asked_for(installation, capsys, app):
    answer = run(capsys, "rollouts", app)
    assert (answer.code, answer.err) == (2, f"app: expected GROUP/APP as in rg-shop/ca-web, found {app!r}\n")
    assert installation.asked == []


def test_a_resource_id_names_an_app_too(installation, capsys):
    rolling(installation)
    assert "baking" in run(capsys, "rollouts", KEY.replace("|", "/")).out


# ---- orders


def test_an_order_is_filled_in_shown_and_obeyed(installation, capsys):
    rolling(installation)
    answer = run(capsys, "order", APP, "promote", "--yes", "--comment", "it is fine")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[-3:] == [
        "order  promote rollout 1 of shop/web 1.1.0 (sha256:000001000000…), baking at 5 %, step 1 of 3",
        "       it gets 100 % now; the bakes that are left are waived",
        "done",
    ]
    assert live(installation).fast
    assert installation.asked == [f"GET {ROUTE}", f"POST {ROUTE}/orders/promote"]
    assert installation.keys == {SECRET}


@pytest.mark.parametrize("more", [["--dry-run", "--yes"], []])
def test_nothing_is_ordered_unasked(installation, capsys, more):
    rolling(installation)
    answer = run(capsys, "order", APP, "abort", *more)
    assert (answer.code, answer.out.splitlines()[-1]) == (1, "nothing was ordered")
    assert installation.asked == [f"GET {ROUTE}"]


def test_a_rollout_that_moved_on_between_the_look_and_the_yes_is_not_raised(installation, capsys, monkeypatch):
    rolling(installation)

    def meanwhile() -> bool:
        installation.do(installation.shop.run_until(Phase.BAKING, 1))
        return True

    monkeypatch.setattr("cli.order.agreed", meanwhile)
    answer = run(capsys, "order", APP, "promote")
    assert (answer.code, answer.out.splitlines()[-1]) == (1, "refused: rollout 1 has moved on to step 2")


def test_a_hold_with_an_end_and_its_release(installation, capsys):
    rolling(installation)
    assert run(capsys, "order", APP, "hold", "--for", "2h", "--comment", "incident", "--yes").code == 0
    assert "held until " in run(capsys, "apps").out
    assert run(capsys, "order", APP, "release", "--yes").out.splitlines()[-1] == "done"
    assert "held" not in run(capsys, "apps").out


def test_undo_retry_release_and_pin_know_their_image(installation, capsys):
    shop = installation.shop
    rolling(installation, Phase.BAKING, 1)
    run(capsys, "order", APP, "abort", "--yes")
    installation.do(shop.run())
    answer = run(capsys, "order", APP, "retry", "--yes")
    assert "order  retry 1.1.0 (sha256:000001000000…)" in answer.out
    installation.do(shop.run_until(Phase.BAKING, 0))
    assert run(capsys, "order", APP, "pin", "--digest", "000001", "--yes").out.splitlines()[-1] == "done"
    assert "pinned to 1.1.0: pin by someone with the function key" in run(capsys, "apps").out
    run(capsys, "order", APP, "release", "--yes")
    step_until(installation, lambda app: any(done.phase is Phase.PROMOTED for done in app.done))
    assert "order  undo 1.1.0 (sha256:000001000000…)" in run(capsys, "order", APP, "undo", "--yes").out
    installation.do(shop.run())
    assert shop.weights() == {"ca-web--first": 100}
    out = run(capsys, "order", APP, "release", "--digest", "sha256:000001", "--yes").out
    assert "release sha256:000001000000… from quarantine, where it is because undo by " in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pause", "--n", "7"], "pause: expected a rollout that waits or is under way, found 1 (shop/web 1.1.0)"),
        (["retry"], "retry: expected an image that ended without being promoted, found none"),
        (["pin", "--digest", "ff"], "pin: --digest: expected a digest of this app, found sha256:000001000000…"),
        (["release", "--digest", "ff"], "release: --digest: expected a digest of this app, found none"),
        (["undo"], "expected an image that is recorded as stable, found none"),
    ],
)
def test_an_order_that_could_mean_nothing_says_what_there_is(installation, capsys, arguments, said):
    rolling(installation)
    answer = run(capsys, "order", APP, *arguments, "--yes")
    assert (answer.code, answer.err) == (2, f"{said}\n")


def test_of_several_that_wait_one_must_be_named(installation, capsys):
    run(capsys, "switch", "stop")
    for n in (1, 2):
        installation.do(installation.shop.push(n))
    step_until(installation, lambda app: len(app.waiting) == 2)
    answer = run(capsys, "order", APP, "abort", "--yes")
    assert answer.err == "abort: expected one of these by --n, found 1 (shop/web 1.1.0), 2 (shop/web 1.2.0)\n"
    assert run(capsys, "order", APP, "abort", "--n", 2, "--yes").out.splitlines()[-1] == "done"


def test_a_person_who_is_asked_for_is_shown(installation, capsys):
    row = {**ROW, "Steps": "5% until approved, 100% for 1m", "Approvers": "1 of leads"}
    shop = installation.shop
    installation.do(shop.rows.commit("policies", PARTITION, [Put(key="production", columns=row)]))
    installation.do(shop.push(1))
    step_until(installation, lambda app: bool(app.live and app.live.asked_at))
    assert run(capsys, "apps").out.rstrip().endswith("; a person must say approve or abort")


def test_the_switch_stops_and_goes(installation, capsys):
    assert run(capsys, "switch", "stop", "--comment", "4711").code == 0
    installation.do(installation.shop.push(1))
    step_until(installation, lambda app: bool(app.waiting and app.waiting[0].finding))
    assert "everything is stopped by someone with the function key: 4711" in run(capsys, "apps").out
    assert run(capsys, "switch", "go").out == "going on: waiting images start, and canaries rise again\n"
    step_until(installation, lambda app: app.live is not None)


# ---- telling


def test_an_image_is_offered(installation, capsys):
    installation.shop.registry.push(REPOSITORY, "1.1.0", digest(1))
    installation.shop.registry.push(REPOSITORY, "nightly", digest(2))
    answer = run(capsys, "offer", IMAGE)
    assert (answer.code, answer.out) == (0, f"{IMAGE}@{digest(1)}: offered to rg-shop/ca-web\n")
    answer = run(capsys, "offer", f"{REGISTRY}/{REPOSITORY}:nightly")
    assert (answer.code, "no row selects nightly of" in answer.out) == (1, True)
    answer = run(capsys, "offer", f"{REGISTRY}/{REPOSITORY}:9")
    assert answer.code == 2
    assert "127.0.0.1: 400: image: expected a tag that" in answer.err


def dead(event: dict[str, Any], *, lower: bool) -> dict[str, Any]:
    """A dead letter, as learn.microsoft.com/azure/event-grid/manage-event-delivery shows it."""
    added = {
        "deadLetterReason": "MaxDeliveryAttemptsExceeded",
        "deliveryAttempts": 1,
        "lastDeliveryOutcome": "NotFound",
        "publishTime": "2026-11-24T09:00:01Z",
        "lastDeliveryAttemptTime": "2026-11-24T09:00:02Z",
    }
    return {**event, **{name.lower() if lower else name: value for name, value in added.items()}}


@pytest.mark.usefixtures("installation")
def test_dead_letters_are_told_once_more_each_with_what_became_of_it(capsys, tmp_path: Path):
    blob = tmp_path / "blob.json"
    deleted = {**PUSHED, "eventType": "Microsoft.ContainerRegistry.ImageDeleted"}
    letters = [dead(PUSHED, lower=False), dead(SCANNED, lower=True), dead(deleted, lower=False)]
    blob.write_text(json.dumps(letters), encoding="utf-8-sig")
    answer = run(capsys, "replay", blob)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        f"{blob}: event 1: Microsoft.ContainerRegistry.ImagePushed shop/web:1.1.0: accepted, 1 app woken",
        f"{blob}: event 2: Weighbridge.ImageScanCompleted {SCANNED['subject']}: accepted, 0 apps woken",
        (
            f"{blob}: event 3: Microsoft.ContainerRegistry.ImageDeleted shop/web:1.1.0: ignored, it is a "
            "Microsoft.ContainerRegistry.ImageDeleted"
        ),
    ]
    blob.write_text(json.dumps(dead({**PUSHED, "data": {}}, lower=False)))
    answer = run(capsys, "replay", blob)
    assert answer.code == 1
    assert "parked, event: data.target: expected an object, found None" in answer.out


@pytest.mark.usefixtures("installation")
def test_a_replay_without_an_answer_says_that_it_may_be_repeated(capsys, tmp_path, monkeypatch):
    blob = tmp_path / "blob.json"
    blob.write_text(json.dumps([PUSHED]))
    monkeypatch.setenv("WEIGHBRIDGE_URL", "http://127.0.0.1:1")
    answer = run(capsys, "replay", blob)
    assert answer.code == 2
    assert answer.err.endswith("; replay the file again: what was taken counts once\n")


def test_an_event_that_is_refused_does_not_keep_the_others_from_being_told(capsys, tmp_path, monkeypatch):
    class Choosy(Installation):
        async def answer(self, method: str, path: str, body: bytes) -> func.HttpResponse:
            if b"refused" in body:
                return func.HttpResponse(json.dumps({"error": "too large"}), status_code=413)
            return await super().answer(method, path, body)

    blob = tmp_path / "blob.json"
    blob.write_text(json.dumps([{**PUSHED, "subject": "refused"}, PUSHED]))
    with Choosy() as installation:
        monkeypatch.setenv("WEIGHBRIDGE_URL", installation.url)
        monkeypatch.setenv("WEIGHBRIDGE_KEY", SECRET)
        answer = run(capsys, "replay", blob)
    assert (answer.code, "event 1: Microsoft.ContainerRegistry.ImagePushed refused: 127.0.0.1: 413" in answer.err) == (
        1,
        True,
    )
    assert answer.out.endswith(
        "event 2: Microsoft.ContainerRegistry.ImagePushed shop/web:1.1.0: accepted, 1 app woken\n"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "expected JSON of events, found something else (JSONDecodeError)"),
        ("[" * 100_000, "expected JSON of events, found something else (RecursionError)"),
        ("[1]", "event 1: expected an event, found int"),
    ],
)
def test_a_blob_that_is_none_is_not_sent(installation, capsys, tmp_path, content, said):
    blob = tmp_path / "blob.json"
    blob.write_text(content)
    answer = run(capsys, "replay", blob)
    assert (answer.code, answer.err) == (2, f"{blob}: {said}\n")
    assert installation.asked == []
