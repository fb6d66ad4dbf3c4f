"""`weighbridge choose` as a person or a script meets it: lines in, one tag out, an exit code."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from cli.__main__ import main

ROOT = Path(__file__).parent.parent.parent
NEW = "sha256:" + "b" * 64
OLD = "sha256:" + "a" * 64


class Answer:
    """What a run printed, and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(listed: str | bytes, tags: str, *more: str) -> Answer:
        raw = listed if isinstance(listed, bytes) else listed.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        code = main(["choose", "--tags", tags, *more])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run


def test_the_chosen_tag_is_all_that_is_printed(choose) -> None:
    answer = choose("1.4.0\n1.10.0\n2.0.0\n", "semver: >=1.4 <2")
    assert (answer.code, answer.out, answer.err) == (0, "1.10.0\n", "")


def test_none_is_said_with_the_reason_for_each_tag(choose) -> None:
    answer = choose("2.0.0\n1.5.0-rc.1\nlatest\n", "semver: >=1.4 <2")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "none of 3 tags is selected by semver: >=1.4 <2\n"
        "  2.0.0: outside >=1.4 <2\n"
        "  1.5.0-rc.1: a pre-release, and the range names none\n"
        "  latest: latest is not a version such as 1.4.2\n"
    )


@pytest.mark.parametrize(
    ("current", "code", "out", "err"),
    [
        ("1.4.1", 0, "1.4.2\n", ""),
        ("1.4.2", 1, "", "1.4.2 is running, and nothing that is selected is newer\n"),
        ("1.5.0", 1, "", "1.4.2 would be a downgrade: 1.5.0 is running and newer\n"),
        ("latest", 0, "1.4.2\n", ""),
    ],
)
def test_with_the_running_tag_known_only_an_upgrade_is_chosen(choose, current, code, out, err) -> None:
    answer = choose("1.4.1\n1.4.2\n", "semver", "--current", current)
    assert (answer.code, answer.out, answer.err) == (code, out, err)


@pytest.mark.parametrize(
    "rule",
    ["latest", "semver: >=latest", "number: 5", "calver: YYYY.MM.", "regex: (?<=x)y", "", "x" * 5000],
)
def test_a_bad_rule_is_exit_2_and_names_the_column(choose, rule) -> None:
    answer = choose("1.4.2\n", rule)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("Tags: expected ")
    assert ", found " in answer.err


def test_a_rule_is_read_as_the_cell_would_be(choose) -> None:
    """Pasted signs and blanks are what they were meant to be."""
    assert choose("1.4.2\n2.0.0\n", "  semver:  ≥1.4\u00a0<2 ").out == "1.4.2\n"


def test_push_time_and_digest_count(choose) -> None:
    listed = f"main-b\t2026-11-24T09:04:11Z\t{OLD}\nmain-a\t2026-11-24T10:04:11.1234567+01:00\t{NEW}\nmain-c\n"
    assert choose(listed, "newest").out == "main-a\n", "09:04:11.12 UTC is later than 09:04:11 UTC"
    assert choose(listed, "newest", "--current", "main-a").code == 1
    assert choose(listed, "newest", "--current", "main-b").out == "main-a\n"


@pytest.mark.parametrize(
    "line",
    [
        f"edge\t2026-11-24T09:04:11Z\t{NEW}",
        f"edge\t{NEW}\t2026-11-24T09:04:11Z",
        f"edge\t{NEW}",
        f"edge\t\t{NEW}",
        f"edge\t-\t{NEW}",
        f" edge \t 2026-11-24 09:04:11Z \t{NEW} \t",
        "edge\t\t",
        "edge\r",
        "\ufeffedge",
    ],
)
def test_a_column_is_read_by_what_it_holds(choose, line) -> None:
    answer = choose(line, "exact: edge", "--current", f"edge@{OLD}")
    if NEW in line:
        assert (answer.code, answer.out, answer.err) == (0, "edge\n", "")
    else:
        assert (answer.code, answer.out) == (1, ""), "which digest edge names is not known"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("1.4.3\tyesterday", '"yesterday"'),
        ("1.4.3\t2026-11-24", '"2026-11-24"'),
        ("1.4.3\t2026-11-24T09:04:11", '"2026-11-24T09:04:11"'),
        ("1.4.3\t2026-13-24T09:04:11Z", '"2026-13-24T09:04:11Z"'),
        (f"1.4.3\t{NEW}\t{NEW}", f'"{NEW}"'),
        ("1.4.3\t2026-11-24T09:04:11Z\tsha256", '"sha256"'),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_nothing_is_chosen(choose, line, found) -> None:
    answer = choose(f"1.4.2\n{line}\n", "semver")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"line 2: expected a push time as in 2026-11-24T09:04:11Z, then a digest as in sha256:9b1e…, found {found}\n"
    )


def test_what_is_no_tag_is_named_and_left_out(choose) -> None:
    answer = choose(b"-62\n\n \n73\r\na/b\n15\n\xff\xfe\n", "number")
    assert (answer.code, answer.out) == (0, "73\n")
    assert answer.err == (
        'line 1: not a tag, left out: "-62"\n'
        'line 5: not a tag, left out: "a/b"\n'
        'line 7: not a tag, left out: "��"\n'
    )  # fmt: skip


def test_an_empty_list_has_nothing_to_choose(choose) -> None:
    answer = choose("\n\n", "semver")
    assert (answer.code, answer.out, answer.err) == (1, "", "there are no tags\n")


def test_a_guess_is_called_one(choose) -> None:
    answer = choose("b-9\nb-10\n", "newest")
    assert (answer.code, answer.out) == (0, "b-10\n")
    assert answer.err == "no push time is known, so names were compared\n"


@pytest.mark.parametrize(
    ("current", "found"),
    [("", "nothing"), ("a b", '"a b"'), ("1.4.2@sha256", '"1.4.2@sha256"'), ("@sha256:1", '"@sha256:1"')],
)
def test_a_running_image_that_is_no_image_is_exit_2(choose, current, found) -> None:
    answer = choose("1.4.2\n", "semver", "--current", current)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"--current: expected a tag as in 1.4.2, or one with its digest behind @, found {found}\n"


def test_a_hundred_thousand_tags_are_answered_and_told_in_a_few_lines(choose) -> None:
    listed = "\n".join(f"1.{n}.0-rc.1" for n in range(100_000))
    answer = choose(listed, "semver")
    assert answer.code == 1
    assert len(answer.err.splitlines()) == 22
    assert answer.err.endswith("  … and 99980 more\n")
    assert choose(listed + "\n1.0.0", "semver").out == "1.0.0\n"


def test_it_runs_as_a_program_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "choose", "--tags", "semver"],
        input=b"1.4.2\n1.4.3\n",
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"1.4.3\n", b"")
