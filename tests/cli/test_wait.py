"""`weighbridge wait` ends as the image did, by its exit code, and says on the way what it waits for."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from cli.wait_fate import End, Fate, end_of, fate
from delivery import names
from delivery.errors import Retry
from delivery.ports import Delete, Put
from rollouts.model import Phase
from tests.cli.run import run
from tests.cli.test_installation import step_until
from tests.delivery.shop import PARTITION, REGISTRY, REPOSITORY, ROW, digest

if TYPE_CHECKING:
    from tests.cli.installation import Installation

APP = "rg-shop/ca-web"


def image(n: int = 1) -> str:
    return f"{REGISTRY}/{REPOSITORY}:1.{n}.0@{digest(n)}"


@pytest.fixture(autouse=True)
def _time_of_the_shop(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command waits by the clock that the product on fakes lives by."""
    shop = installation.shop

    async def pass_by(seconds: float) -> None:
        end = shop.clock.now() + timedelta(seconds=seconds)
        while shop.clock.now() < end:
            if not await shop.step():
                shop.clock.advance(end - shop.clock.now())

    monkeypatch.setattr("cli.wait.now", lambda: shop.clock.now().timestamp())
    monkeypatch.setattr("cli.wait.pause", lambda seconds: installation.do(pass_by(seconds)))


def edit(installation: Installation, key: str = "production", **cells: str) -> None:
    columns = {**ROW, **cells}
    installation.do(installation.shop.rows.commit(names.POLICIES, PARTITION, [Put(key=key, columns=columns)]))


def push(installation: Installation, n: int = 1) -> None:
    installation.do(installation.shop.push(n))


def test_a_promoted_image_ends_it_well_and_every_stage_is_told_once(installation, capsys):
    push(installation)
    answer = run(capsys, "wait", "--image", image())
    lines = answer.out.splitlines()
    assert (answer.code, answer.err) == (0, "")
    assert lines[-1] == f"{image()}: promoted"
    assert lines[-2].endswith(f"{APP}  promoted: every bake was served and nothing speaks against it")
    assert any(line.endswith("  baking at 25 %, step 2 of 3") for line in lines)
    assert all(re.match(r"\d\d:\d\d:\d\d  ", line) for line in lines[:-1])
    told = [line[10:] for line in lines]
    assert all(one != another for one, another in pairwise(told))


def test_an_image_that_was_rolled_back_ends_it_with_1(installation, capsys):
    installation.shop.metrics.error_rates["wb1"] = 0.5
    push(installation)
    answer = run(capsys, "wait", "--image", image())
    assert (answer.code, answer.out.splitlines()[-1]) == (1, f"{image()}: rolled back")
    assert "rolled back: errors " in answer.out


def test_an_image_that_a_gate_refused_ends_it_with_3(installation, capsys):
    edit(installation, Scan="critical 0, within 1h else reject")
    push(installation)
    answer = run(capsys, "wait", "--image", image(), "--timeout", "2h")
    assert (answer.code, answer.out.splitlines()[-1]) == (3, f"{image()}: refused")


def test_an_image_that_a_person_stopped_ends_it_with_4(installation, capsys):
    push(installation)
    installation.do(installation.shop.run_until(Phase.BAKING, 0))
    run(capsys, "order", APP, "abort", "--yes")
    answer = run(capsys, "wait", "--image", image())
    assert (answer.code, answer.out.splitlines()[-1]) == (4, f"{image()}: stopped")


def test_an_image_that_no_row_selects_ends_it_with_5_at_once(installation, capsys):
    edit(installation, Tags="semver: >=2")
    answer = run(capsys, "wait", "--image", image())
    assert (answer.code, answer.err) == (5, f"{image()}: no row ships it\n")
    assert f"{APP}  its row leaves it out: " in answer.out
    assert len(installation.asked) == 1


def test_a_row_that_only_observes_ships_nothing(installation, capsys):
    edit(installation, Mode="observe")
    push(installation)
    step_until(installation, lambda app: bool(app.waiting and app.waiting[0].finding))
    answer = run(capsys, "wait", "--image", image())
    assert (answer.code, answer.err) == (5, f"{image()}: no row ships it\n")
    assert "its row only observes; waiting: " in answer.out


def test_when_the_time_is_over_it_ends_with_6_and_says_who_knows_more(capsys):
    answer = run(capsys, "wait", "--image", image(), "--timeout", "5m")
    assert (answer.code, answer.err) == (
        6,
        f"it did not end in time; `weighbridge why {image()}` tells what it waits for\n",
    )
    assert answer.out.endswith(f"{APP}  not offered yet\n")


def test_a_digest_whose_tag_no_event_has_told_is_waited_for_not_taken_for_unselected(installation, capsys):
    named = f"{REGISTRY}/{REPOSITORY}@{digest(1)}"
    answer = run(capsys, "wait", "--image", named, "--timeout", "5m")
    assert (answer.code, answer.out.endswith("not offered yet: events told no tag of it yet\n")) == (6, True)
    push(installation)
    assert run(capsys, "wait", "--image", named).code == 0


def test_what_runs_already_needs_no_rollout(installation, capsys):
    push(installation)
    installation.do(installation.shop.run())
    asked = len(installation.asked)
    assert run(capsys, "wait", "--image", image()).code == 0
    assert len(installation.asked) == asked + 1


def test_a_row_that_names_what_runs_by_another_row_needs_no_rollout_of_its_own(installation, capsys):
    push(installation)
    installation.do(installation.shop.run())
    edit(installation, key="renamed")
    installation.do(installation.shop.rows.commit(names.POLICIES, PARTITION, [Delete(key="production")]))
    answer = run(capsys, "wait", "--image", image())
    assert (answer.code, answer.out.splitlines()[0][10:]) == (0, f"{APP}  it is what runs")


def test_the_end_of_an_earlier_push_of_the_same_digest_is_not_its_end(installation, capsys):
    shop = installation.shop
    shop.metrics.error_rates["wb1"] = 0.5
    push(installation)
    installation.do(shop.run())
    shop.clock.advance(timedelta(hours=1))
    shop.metrics.error_rates.clear()
    run(capsys, "order", APP, "retry", "--yes")
    answer = run(capsys, "wait", "--image", image())
    assert (answer.code, answer.out.splitlines()[-1]) == (0, f"{image()}: promoted")


def test_nobody_pushed_again_so_the_earlier_end_is_told_after_two_minutes(installation, capsys):
    shop = installation.shop
    shop.metrics.error_rates["wb1"] = 0.5
    push(installation)
    installation.do(shop.run())
    shop.clock.advance(timedelta(hours=1))
    began = shop.clock.now()
    assert run(capsys, "wait", "--image", image()).code == 1
    assert timedelta(minutes=2) <= shop.clock.now() - began < timedelta(minutes=3)


def test_an_image_that_was_promoted_once_and_runs_no_more_ends_it_with_4(installation, capsys):
    for n in (1, 2):
        push(installation, n)
        installation.do(installation.shop.run())
        installation.shop.clock.advance(timedelta(minutes=1))
    answer = run(capsys, "wait", "--image", image())
    assert (answer.code, answer.out.splitlines()[-1]) == (4, f"{image()}: stopped")
    assert "; something else runs now\n" in answer.out


def test_a_person_who_is_waited_for_is_named(installation, capsys):
    edit(installation, Steps="5% until approved, 100% for 1m", Approvers="1 of leads")
    push(installation)
    answer = run(capsys, "wait", "--image", image(), "--timeout", "1h")
    assert answer.code == 6
    assert "; a person must say approve or abort" in answer.out


def test_an_installation_that_is_away_for_a_moment_is_asked_again(installation, capsys):
    push(installation)
    shop, failing = installation.shop, [True] * 3

    async def before(name: str, arguments: tuple[object, ...]) -> None:
        if name == "scan" and arguments[0] == names.EVIDENCE and failing and failing.pop():
            raise Retry("503")

    shop.rows.before = before
    answer = run(capsys, "wait", "--image", image())
    assert answer.code == 0
    assert answer.err.count("; asked again\n") == 1


def test_what_is_no_image_is_not_waited_for(installation, capsys):
    answer = run(capsys, "wait", "--image", "web")
    assert (answer.code, len(installation.asked)) == (2, 1)
    assert "image: expected an image as in contoso.azurecr.io/shop/web:1.4.3" in answer.err


def test_only_the_apps_that_are_named_count_and_each_must_have_a_row(installation, capsys):
    edit(installation, key="other", App="rg-shop/ca-other", Mode="observe")
    push(installation)
    answer = run(capsys, "wait", "--image", image(), "--app", "rg-shop/CA-WEB")
    assert (answer.code, "ca-other" in answer.out) == (0, False)
    assert run(capsys, "wait", "--image", image(), "--app", "rg-shop/ca-other").code == 5
    answer = run(capsys, "wait", "--image", image(), "--app", "rg-shop/ca-none")
    assert (answer.code, answer.err) == (
        2,
        "--app: expected an app that a row about this image names, found rg-shop/ca-none\n",
    )


@pytest.mark.parametrize(
    ("ends", "end"),
    [
        ([End.PROMOTED, End.PROMOTED], End.PROMOTED),
        ([End.PROMOTED, End.STOPPED, End.ROLLED_BACK, End.REFUSED], End.ROLLED_BACK),
        ([End.PROMOTED, End.STOPPED, End.REFUSED], End.REFUSED),
        ([End.PROMOTED, None, End.ROLLED_BACK], None),
        ([], End.UNSELECTED),
    ],
)
def test_of_several_apps_the_gravest_end_is_that_of_the_image_once_all_have_ended(ends, end):
    left_out = Fate(app="b", text="", counts=False)
    assert end_of([*(Fate(app="a", text="", end=one) for one in ends), left_out]) is end


@pytest.mark.parametrize("row", [{}, {"rollout": None, "app": "a"}, {"rollout": {}, "app": "a", "mode": "on"}])
def test_an_answer_that_lacks_what_is_looked_for_is_none(row):
    with pytest.raises(KeyError):
        fate(row, since="", late=True)
