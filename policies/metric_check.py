"""The grammar of the checks that a query answers: `p95 <= 400ms`, `metric mail-backlog <= 500`."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from policies.durations import read_duration
from policies.errors import CellError, Problem, quoted
from rollouts.checks import Check, CheckKind, Compare, Gauge
from rollouts.gauges import usual_minimum

PERCENTILES = ("p50", "p95", "p99")
WORDS = (*PERCENTILES, "metric")
SOURCE = "appinsights"  # the row that says where durations are asked for, unless the check names another
STRIKES = 2
LONGEST_NAME = 63
_MONITOR = "monitor"
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}", re.ASCII)
_METRIC = re.compile(r"metric ([^ <>=!:]+) ?(<=|>=|==|!=|=|<|>|:)? ?(.*)", re.ASCII | re.IGNORECASE)
_PERCENTILE = re.compile(r"p(50|95|99) ?(<=|>=|==|!=|=|<|>|:)? ?(.*)", re.ASCII | re.IGNORECASE)
_FIGURE = r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?"
_FACTOR = r"[0-9]{1,6}(?:\.[0-9]{1,6})?"
_TIME = r"[0-9]{1,6} ?ms|[0-9]{1,6}s"
_ENDS = r"(?= |$)"
_FLAGS = re.ASCII | re.IGNORECASE
_NUMBERS = re.compile(rf"(?:(stable) ?(?:\+ ?({_FIGURE})|x ?({_FACTOR}))|({_FIGURE})){_ENDS}", _FLAGS)
_TIMES = re.compile(rf"(?:(stable) ?(?:\+ ?({_TIME})|x ?({_FACTOR}))|({_TIME})){_ENDS}", _FLAGS)
_LONGEST_OVER = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)


def read_metric(text: str) -> tuple[Check, str]:
    """The check, and its options still unread."""
    return _percentile(text) if text.lower().startswith(PERCENTILES) else _metric(text)


def _percentile(text: str) -> tuple[Check, str]:
    match = _PERCENTILE.fullmatch(text)
    number, op, rest = match.groups() if match else ("95", None, "")
    limit = _TIMES.match(rest)
    if op not in {"<=", "<"} or limit is None:
        mended = _mended(re.sub(r"^((?:stable ?\+ ?)?[0-9]{1,6})(?= |$)", r"\1ms", rest, flags=_FLAGS))
        hint = f"p{number} <= {mended}" if op in {"<=", "<", "=", "==", ":"} else ""
        expected = f'"p{number} <=" and a limit: "400ms", "stable + 50ms" or "stable x 1.2"'
        raise _problem(expected, quoted(text), hint)
    stable, above, times, alone = limit.groups()
    percentile = int(number)
    gauge = Gauge(
        name=SOURCE,
        percentile=percentile,
        compare=Compare(op),
        number=_milliseconds(above or alone or "0ms"),
        times=_factor(times, Compare(op), limit[0]) if stable else None,
    )
    return _check(text, gauge, usual_minimum(percentile)), rest[limit.end() :]


def _metric(text: str) -> tuple[Check, str]:
    match = _METRIC.fullmatch(text)
    name, op, rest = match.groups() if match else ("", None, "")
    if not _NAME.fullmatch(name):
        raise _problem('"metric" and the name of a row names|metric|NAME', quoted(text))
    limit = _NUMBERS.match(rest)
    if op not in set(Compare) or limit is None:
        mended = _mended(re.sub(rf"^((?:stable ?\+ ?)?{_FIGURE})[a-z%]+(?= |$)", r"\1", rest, flags=_FLAGS))
        hint = f"metric {name} {op if op in set(Compare) else '<='} {mended}" if op != "!=" else ""
        expected = f'"metric {name} <=" and a limit in the unit of its query: "500", "stable + 50" or "stable x 1.2"'
        raise _problem(expected, quoted(text), hint)
    stable, above, times, alone = limit.groups()
    compare = Compare(op)
    if stable and compare is Compare.EQUAL:
        raise _problem("a number behind ==", quoted(limit[0]))
    gauge = Gauge(
        name=name,
        compare=compare,
        number=float(above or alone or 0),
        times=_factor(times, compare, limit[0]) if stable else None,
    )
    return _check(text, gauge, 0), rest[limit.end() :]


def _check(text: str, gauge: Gauge, minimum: int) -> Check:
    return Check(kind=CheckKind.METRIC, text=text, gauge=gauge, minimum=minimum, strikes=STRIKES)


def _problem(expected: str, found: str, hint: str = "") -> CellError:
    return CellError(Problem(column="Checks", expected=expected, found=found, hint=hint))


def _mended(rest: str) -> str:
    return re.sub(rf"^({_FACTOR}) ?x ?stable", r"stable x \1", re.sub(r"stable ?\*", "stable x", rest), flags=_FLAGS)


def _milliseconds(text: str) -> float:
    if text.lower().endswith("ms"):
        return float(text[:-2])
    return (read_duration(text) or timedelta()) / _MILLISECOND


def _factor(text: str | None, compare: Compare, found: str) -> float:
    """What stable's number is multiplied by; without a factor, by 1."""
    factor = float(text) if text else 1.0
    upwards = compare in (Compare.AT_LEAST, Compare.ABOVE)
    if not factor or (factor > 1 if upwards else factor < 1):
        raise _problem("stable x 1 or less" if upwards else "stable x 1 or more", quoted(found))
    return factor


def read_source(check: Check, word: str) -> Gauge | None:
    """The gauge of a percentile that is asked for elsewhere; None: there is no such place."""
    gauge = check.gauge
    if gauge is None or not _NAME.fullmatch(word):
        return None
    if word.lower() == _MONITOR:
        expected = 'from a row names|metric|NAME as in "from appinsights": Azure Monitor has no durations by revision'
        raise _problem(expected, quoted(f"from {word}"))
    return replace(gauge, name=word)


def read_over(word: str) -> timedelta | None:
    """The time a reading looks back, at least a minute and at most a day; None: it is none."""
    over = read_duration(word)
    return over if over and timedelta(minutes=1) <= over <= _LONGEST_OVER else None
