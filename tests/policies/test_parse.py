from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cells import EXAMPLES, LONGEST_CELL
from policies.errors import PolicyError
from policies.model import Policy
from policies.parse import check_defaults, parse
from policies.status import LONGEST_STATUS, broken_line, status_line
from policies.tag_kinds import Order
from rollouts.checks import CheckKind, OnNoData
from rollouts.model import Mode, OnDrift, OnFailure, OnNewImage
from tests.policies.rows import WEB, problems, row

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTAINER_APP = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-pay"
    "/providers/Microsoft.App/containerApps/ca-ledger"
)


def test_a_row_with_app_alone_works() -> None:
    policy = row()
    assert policy.key == f"{WEB}/production"
    assert (policy.registry, policy.repository, policy.name) == ("contoso.azurecr.io", "shop/web", "production")
    assert policy.tags.order is Order.SEMVER
    assert [step.weight for step in policy.plan.steps] == [5, 25, 50, 100]
    assert [check.kind for check in policy.plan.checks] == [CheckKind.RESTARTS, CheckKind.ERRORS]
    assert (policy.plan.deadline, policy.plan.keep) == (timedelta(hours=2), timedelta(hours=1))
    assert policy.plan.on_no_data is OnNoData.PROBE
    assert (policy.plan.on_failure, policy.plan.on_new_image) == (OnFailure.ROLLBACK, OnNewImage.SUPERSEDE)
    assert (policy.plan.on_drift, policy.mode, policy.plan.notify) == (OnDrift.PAUSE, Mode.ON, ("default",))
    assert policy.gates == ()
    assert policy.takes == timedelta(minutes=40)


def test_every_example_of_the_reference_is_a_good_cell() -> None:
    cells = {column: text for column, text in EXAMPLES.items() if column not in ("Repository", "Lock")}
    assert row(cells).plan.runbook == EXAMPLES["Runbook"]
    locked = row({"Scan": "none"}, defaults={"Scan": EXAMPLES["Scan"], "Lock": EXAMPLES["Lock"]})
    assert [gate.text for gate in locked.gates] == [EXAMPLES["Scan"]]
    assert row({"Repository": EXAMPLES["Repository"]}, partition="contoso.azurecr.io|*").covers(
        "contoso.azurecr.io", "shop/web"
    )


WISHES = {
    "dev follows a moving tag": {"Tags": "exact: latest", "Steps": "all-at-once", "Notify": "none"},
    "staging takes the newest main build": {"Tags": "newest from main-*", "Steps": "quick", "Checks": "probe /healthz"},
    "a person at half": {
        "Tags": "newest from main-*",
        "Steps": "5% for 10m, 25% for 10m, 50% until approved within 24h, 100% for 30m",
        "Approvers": "1 of shop-leads",
        "Checks": "probe /healthz under 500ms; errors <= stable + 1% min 200",
        "Notify": "team-shop, audit all",
        "Runbook": "https://wiki.contoso.com/shop",
    },
    "payments": {"App": CONTAINER_APP, "Tags": "semver: >=3.0 <4", "Steps": "careful", "Keep": "24h"},
    "hotfix lane": {
        "Tags": "semver: >=3.0 <4 from hotfix-{}",
        "Scan": "critical 0, within 10m else hold",
        "Steps": "10% for 3m, 100% for 10m",
        "Window": "none",
        "MinAge": "none",
        "OnNewImage": "finish",
    },
    "idle at night": {
        "Steps": "blue-green",
        "Checks": "probe /health/ready expect 200-204; restarts == 0",
        "OnNoData": "probe",
    },
    "queue worker": {"Tags": "semver", "Steps": "replace", "Checks": "restarts == 0", "Keep": "none"},
    "monorepo": {
        "Container": "checkout",
        "Tags": "semver: >=2.0 from checkout-v{} except *-debug, *-rc*",
        "Checks": "errors <= 1% min 500 warn",
        "OnNoData": "wait",
        "Deadline": "6h",
    },
}


@pytest.mark.parametrize("wish", WISHES)
def test_rows_for_real_wishes_are_good(wish: str) -> None:
    assert problems(WISHES[wish]) == []


def test_a_row_for_the_other_fifty_apps() -> None:
    fleet = row(
        {
            "App": "rg-{name}/ca-{name}",
            "Repository": "hr/*",
            "Tags": "newest from release-*",
            "Mode": "observe",
            "Notify": "platform",
        },
        partition="contoso.azurecr.io|*",
        key="fleet",
    )
    assert fleet.covers("contoso.azurecr.io", "hr/portal")
    assert not fleet.covers("contoso.azurecr.io", "shop/web")
    assert not fleet.covers("fabrikam.azurecr.io", "hr/portal")
    assert fleet.app.app_key("sub", "hr/Portal") == (
        "|subscriptions|sub|resourcegroups|rg-portal|providers|microsoft.app|containerapps|ca-portal"
    )


def test_a_resource_id_is_taken_as_it_is() -> None:
    assert row({"App": CONTAINER_APP}).app.resource_id("other", "shop/web") == CONTAINER_APP


# ---- mistakes, and the guard ---------------------------------------------------------------------

MISTAKES: list[tuple[dict[str, object], str]] = [
    ({"Deadline": 30}, 'Deadline: expected text as in "6h", found the number 30; did you mean "30m"?'),
    ({"Tags": 1.10}, 'Tags: expected text as in "semver: >=1.4 <2", found the number 1.1; did you mean "exact: 1.1"?'),
    (
        {"Steps": 5},
        (
            'Steps: expected text as in "5% for 10m, 25% for 10m, 50% for 10m, 100% for 10m", found the number 5; '
            'did you mean "5% for 10m, 100% for 10m"?'
        ),
    ),
    ({"Notify": 5}, 'Notify: expected text as in "default", found the number 5'),
    ({"Scan": False}, 'Scan: expected text as in "critical 0, within 1h else hold", found the boolean false'),
    ({"Keep": datetime(2026, 1, 1, tzinfo=UTC)}, 'Keep: expected text as in "1h", found a cell of type datetime'),
    ({"Step": "quick"}, 'Step: expected a column of the reference, found "Step"; did you mean "Steps"?'),
    ({"Check": "none"}, 'Check: expected a column of the reference, found "Check"; did you mean "Checks"?'),
    ({"Steps": "quick", "steps": "quick"}, 'Steps: expected one column of this name, found "Steps" and "steps"'),
    (
        {"Steps": "5,25,50"},
        (
            'Steps: expected "N% for D", found "5,25,50"; did you mean '
            '"5% for 10m, 25% for 10m, 50% for 10m, 100% for 10m"?'
        ),
    ),
    (
        {"Scan": "critical=0"},
        (
            'Scan: expected "critical N", "high N", "medium N", "low N", "fixable only", "by SCANNER", '
            '"not older than D", "except CVE-… until DATE" or "within D else hold|reject", '
            'found "critical=0"; did you mean "critical 0"?'
        ),
    ),
    (
        {"Window": "Mon-Fri 09:00-17:00"},
        'Window: expected a zone as in "Mon-Fri 09:00-17:00 Europe/London", found none',
    ),
    (
        {"Freeze": "20/12/2026"},
        (
            'Freeze: expected days as in "2026-12-20" or "2026-12-20..2027-01-03", found "20/12/2026"; '
            'did you mean "2026-12-20"?'
        ),
    ),
    (
        {"Deadline": "10m"},
        'Deadline: expected at least the bakes of Steps, found 10m for bakes of 40m; did you mean "2h"?',
    ),
    ({"Deadline": "none"}, 'Deadline: expected a time as in "1h30m", at most a year, found "none"'),
    ({"Keep": "2 hours"}, 'Keep: expected a time as in "1h30m", at most a year, found "2 hours"; did you mean "2h"?'),
    (
        {"Steps": "replace", "Checks": "errors <= 1%"},
        (
            'Checks: expected no check of requests with Steps "replace", which is for apps without ingress, '
            'found "errors <= 1%"'
        ),
    ),
    (
        {"OnDrift": "restor"},
        'OnDrift: expected "pause" or "adopt" or "restore", found "restor"; did you mean "restore"?',
    ),
    ({"Mode": "none"}, 'Mode: expected "on" or "observe" or "off", found "none"; did you mean "on"?'),
    ({"App": ""}, 'App: expected "<group>/<app>" or a resource id, found none'),
    ({"App": "ca-web"}, 'App: expected "<group>/<app>" or the resource id of a container app, found "ca-web"'),
    (
        {"App": "rg-shop/CA-Web"},
        (
            'App: expected "<group>/<app>" or the resource id of a container app, found "rg-shop/CA-Web"; '
            'did you mean "rg-shop/ca-web"?'
        ),
    ),
    (
        {"App": "rg/ca-{repo}"},
        'App: expected "<group>/<app>" or the resource id of a container app, found "rg/ca-{repo}"',
    ),
    ({"Container": "Web"}, 'Container: expected the name of a container as in "web", found "Web"; did you mean "web"?'),
    ({"Notify": "#team shop"}, 'Notify: expected up to 5 channels as in "team-shop, audit all", found "#team shop"'),
    (
        {"Runbook": "wiki.contoso.com/shöp"},
        'Runbook: expected an address as in "https://wiki.contoso.com/shop", found "wiki.contoso.com/shöp"',
    ),
    (
        {"Runbook": "javascript:alert(1)"},
        'Runbook: expected an address as in "https://wiki.contoso.com/shop", found "javascript:alert(1)"',
    ),
    (
        {"Repository": "shop/*"},
        'Repository: expected a blank cell: this row\'s PartitionKey already names its repository, found "shop/*"',
    ),
    ({"Tags": "x" * 5000}, f"Tags: expected at most {LONGEST_CELL} characters, found 5000 characters"),
]


@pytest.mark.parametrize(
    ("cells", "said"), MISTAKES, ids=[said.split(":")[0] + str(n) for n, (_, said) in enumerate(MISTAKES)]
)
def test_a_mistake_is_named_with_its_column(cells: dict[str, object], said: str) -> None:
    assert problems(cells) == [said]


@pytest.mark.parametrize("blank", ["", "  ", "\u00a0", None])
def test_blank_spaces_and_absent_are_the_same(blank: object) -> None:
    blanks = {column: blank for column in (*EXAMPLES, "Stepz") if column != "App"}
    assert row(blanks) == row()


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ({"Checks": "errors ≤ stable × 2"}, {"Checks": "errors <= stable x 2"}),
        ({"Steps": "5 % for\u00a010m, 100 % for 10m"}, {"Steps": "5% for 10m, 100% for 10m"}),
        ({"Steps": "blue–green"}, {"Steps": "blue-green"}),
        ({"Steps": "all‑at‑once"}, {"Steps": "all-at-once"}),
        ({"Tags": "semver: 1.2 – 1.4"}, {"Tags": "semver: 1.2 - 1.4"}),
    ],
)
def test_what_pasting_leaves_behind_is_normalised(pasted: dict[str, object], meant: dict[str, object]) -> None:
    assert row(pasted) == row(meant)


def test_a_cell_is_read_by_meaning() -> None:
    assert row({"Mode": False}).mode is Mode.OFF
    assert row({"Mode": "True"}).mode is Mode.ON
    assert row({"mode": "OBSERVE", "STEPS": "Quick"}).plan.steps == row({"Steps": "quick"}).plan.steps
    assert row({"Note": 5, "_ticket": 12, "_": object()}).mode is Mode.ON


def test_five_faults_are_five_problems() -> None:
    faults = {"Steps": "5,25,50", "Window": "Mon-Fri 09:00-17:00", "Scan": "critical=0", "Stepz": "x", "Keep": 60}
    with pytest.raises(PolicyError) as caught:
        parse(WEB, "production", {"App": "rg/ca", **faults}, None)
    assert [problem.column for problem in caught.value.problems] == ["Stepz", "Scan", "Window", "Steps", "Keep"]
    assert str(caught.value).splitlines()[0].startswith(f"{WEB}/production: Stepz: expected")


# ---- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partition", "said"),
    [
        (
            "https://contoso.azurecr.io/shop/web",
            (
                "PartitionKey: expected a login server without a scheme, then the repository, "
                'found "https://contoso.azurecr.io/shop/web"; did you mean "contoso.azurecr.io|shop|web"?'
            ),
        ),
        (
            "contoso.azurecr.io/shop/web",
            (
                'PartitionKey: expected "|" wherever a repository has "/", for a key may not hold one, '
                'found "contoso.azurecr.io/shop/web"; did you mean "contoso.azurecr.io|shop|web"?'
            ),
        ),
        (
            "Contoso.azurecr.io|shop|web",
            (
                'PartitionKey: expected lower case, as the registry names itself, found "C" in '
                '"Contoso.azurecr.io|shop|web"; did you mean "contoso.azurecr.io|shop|web"?'
            ),
        ),
        (
            "contoso|shop|web",
            'PartitionKey: expected a whole login server as in "contoso.azurecr.io", found "contoso|shop|web"',
        ),
        (
            "contoso.azurecr.io",
            (
                'PartitionKey: expected "<login server>|<repository>" as in "contoso.azurecr.io|shop|web", '
                'found "contoso.azurecr.io"'
            ),
        ),
        (
            "contoso.azurecr.io|shop||web",
            (
                'PartitionKey: expected "<login server>|<repository>" as in "contoso.azurecr.io|shop|web", '
                'found "contoso.azurecr.io|shop||web"'
            ),
        ),
    ],
)
def test_a_partition_that_no_event_would_ever_read_is_a_problem(partition: str, said: str) -> None:
    assert problems({}, partition=partition) == [said]


@pytest.mark.parametrize(("key", "hint"), [("Production", "production"), ("shop|web@x", "shop-web-x"), ("a/b", "a-b")])
def test_a_row_key_is_a_plain_name(key: str, hint: str) -> None:
    (said,) = problems({}, key=key)
    assert said.startswith("RowKey: expected a name of lower-case letters")
    assert said.endswith(f'did you mean "{hint}"?')


def test_a_registry_on_this_machine_has_a_port() -> None:
    assert row(partition="localhost:5005|shop|web").registry == "localhost:5005"


def test_the_defaults_row_is_no_policy() -> None:
    (said,) = problems({}, key="defaults")
    assert said.startswith("RowKey: expected a policy's name")


def test_a_pattern_row_says_which_repositories() -> None:
    (said,) = problems({}, partition="contoso.azurecr.io|*")
    expected = 'a pattern as in "shop/*", for the row stands under "|*" and its App has no {name}'
    assert said == f"Repository: expected {expected}, found none"
    fleet = row({"App": "rg-{name}/ca-{name}"}, partition="contoso.azurecr.io|*")
    assert fleet.covers("contoso.azurecr.io", "hr/portal")


# ---- the defaults row ----------------------------------------------------------------------------

DEFAULTS = {"Scan": "critical 0, within 1h else hold", "Notify": "platform", "Note": "shared", "Status": "ok"}


def test_a_blank_cell_inherits_and_none_switches_off() -> None:
    inherits, own, off = (row(cells, defaults=DEFAULTS) for cells in ({}, {"Notify": "mine"}, {"Scan": "none"}))
    assert [gate.text for gate in inherits.gates] == [DEFAULTS["Scan"]]
    assert (inherits.plan.notify, own.plan.notify) == (("platform",), ("mine",))
    assert off.gates == ()


def test_a_fault_of_the_defaults_row_breaks_the_rows_that_would_inherit_it() -> None:
    assert problems({}, defaults={"Scna": "critical 0"}) == [
        'Scna (defaults row): expected a column of the reference, found "Scna"; did you mean "Scan"?'
    ]
    broken = {"Steps": "5"}
    assert problems({}, defaults=broken) == [
        'Steps (defaults row): expected "N% for D", found "5"; did you mean "5% for 10m, 100% for 10m"?'
    ]
    assert problems({"Steps": "quick"}, defaults=broken) == []


def test_the_defaults_row_is_checked_by_itself() -> None:
    check_defaults("contoso.azurecr.io|*", DEFAULTS)
    for half in ({"Steps": "5% until approved, 100% for 5m"}, {"Window": "Mon 09:00-09:30 UTC"}, {"Deadline": "20m"}):
        check_defaults("contoso.azurecr.io|*", half)  # its rows may bring what goes with it
    with pytest.raises(PolicyError, match=r"\|\*/defaults: Lock \(defaults row\): expected gate columns"):
        check_defaults("contoso.azurecr.io|*", {"Lock": "Steps"})


def test_the_version_changes_exactly_with_the_cells_that_count() -> None:
    assert row().version == row({"Status": "ok: takes 40 m", "_x": "1", "Steps": " "}).version
    assert row().version != row({"Steps": "quick"}).version
    assert row().version != row(defaults={"Steps": "quick"}).version
    assert row({"Steps": "quick"}).version == row({"steps": " quick "}).version


@pytest.mark.parametrize("column", [name for name in EXAMPLES if name not in {"App", "Repository", "Lock", "Status"}])
def test_the_version_is_the_same_whatever_a_cell_says_that_changes_nothing_that_ships(column: str) -> None:
    cells = {"App": "rg-shop/ca-web", column: EXAMPLES[column]}
    try:
        changed = row(cells).version != row().version
    except PolicyError:
        pytest.skip(f"{column} cannot be kept yet")
    assert changed is (column not in {"Note", "Runbook", "Notify"})


# ---- any cell, any key ---------------------------------------------------------------------------

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**5000, max_value=10**5001),
    st.floats(),
    st.datetimes(timezones=st.just(UTC)),
    st.binary(max_size=8),
    st.text(max_size=60),
    st.text(alphabet="0123456789%,; forwithnaplbscex<=>.*/-:|{}", max_size=60),
    st.sampled_from(["none", "5" * 70000, "canary", "semver: >=1 <2", "critical 0, within 1h else hold", "\ud800"]),
)
COLUMNS = st.dictionaries(st.one_of(st.sampled_from([*EXAMPLES, "steps"]), st.text(max_size=20)), CELLS)


def outcome(partition: str, key: str, columns: Mapping[str, object], defaults: Mapping[str, object] | None) -> object:
    """The policy, or the error that lists what is wrong; anything else that is raised fails the test."""
    try:
        return parse(partition, key, columns, defaults)
    except PolicyError as error:
        return error


@given(COLUMNS, st.one_of(st.none(), COLUMNS))
def test_any_cells_are_a_policy_or_a_policy_error(
    columns: dict[str, object], defaults: dict[str, object] | None
) -> None:
    read = outcome(WEB, "production", columns, defaults)
    if isinstance(read, Policy):
        assert read.plan.steps[-1].weight == 100
        assert read.plan.deadline >= read.takes
    else:
        assert isinstance(read, PolicyError)
        assert read.problems
        assert len(broken_line(read)) <= LONGEST_STATUS
        assert all(len(str(problem)) < 12_000 for problem in read.problems)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_keys_are_a_policy_or_a_policy_error(partition: str, key: str) -> None:
    read = outcome(partition, key, {"App": "rg/ca"}, None)
    if isinstance(read, PolicyError):
        assert {problem.column for problem in read.problems} <= {"PartitionKey", "RowKey", "Repository"}


# ---- Status --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ({}, "ok: takes 40 m"),
        ({"Steps": "careful"}, "ok: takes 3 h 15 m"),
        (
            {"Steps": "5% for 10m, 50% until approved, 100% for 30m", "Approvers": "1 of shop-leads"},
            "ok: takes 40 m and waits for a person at 50 %",
        ),
        ({"Mode": "observe"}, "ok: only observes; a rollout takes 40 m"),
        ({"Mode": "off"}, "ok: off, nothing ships from this row"),
    ],
)
def test_the_status_of_a_good_row(cells: dict[str, object], line: str) -> None:
    assert status_line(row(cells)) == line


def test_the_status_of_a_broken_row_is_bounded() -> None:
    with pytest.raises(PolicyError) as caught:
        row({f"Stepz{number}": "x" for number in range(60)})
    line = broken_line(caught.value)
    assert line.startswith('broken: Stepz0: expected a column of the reference, found "Stepz0"')
    assert line.endswith("… (60 problems)")
    assert len(line) == LONGEST_STATUS


def test_a_note_may_be_as_long_as_a_cell_of_a_table_and_another_cell_as_long_as_the_limit():
    assert problems({"Note": "n" * (LONGEST_CELL + 1)}) == []
    fits = f"exact: {'a' * 100}{', b' * 10}".ljust(LONGEST_CELL)
    assert problems({"Tags": fits}) == []
    too_long = f"at most {LONGEST_CELL} characters, found"
    assert any(too_long in said for said in problems({"Tags": f"exact: {'a' * LONGEST_CELL}"}))


@pytest.mark.parametrize(("length", "good"), [(32, True), (33, False)])
def test_the_name_of_an_app_has_32_characters_at_most(length: int, good: bool):  # noqa: FBT001
    assert (problems({"App": f"rg-shop/{'a' * length}"}) == []) is good
