"""The grammar of the Checks cell."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from policies.cells import nearest
from policies.durations import read_duration
from policies.errors import CellError, Problem, quoted
from policies.metric_check import WORDS, read_metric, read_over, read_source
from rollouts.checks import Check, CheckKind, Limit, ProbeSpec

MOST_CHECKS = 20
MOST_METRICS = 5  # each is up to two queries a minute, and a workspace runs five of an identity at once
_KINDS = ("probe", "errors", "restarts")
_EXPECTED = '"probe PATH", "restarts == 0", "errors <= 1%", "p95 <= 400ms" or "metric NAME <= 500"'
_MONITOR = "monitor"  # where errors are counted: saying so changes nothing
_COMPARED = re.compile(r"([a-z0-9_-]+) ?(<=|>=|==|!=|=|<|>) ?(.*)", re.IGNORECASE)
_PROBE = re.compile(r"probe(?: (\S+))?(.*)", re.IGNORECASE)
_PATH = re.compile(r"/[\x21-\x7e]{0,255}", re.ASCII)
_NUMBER = r"([0-9]{1,6}(?:\.[0-9]{1,6})?)"
_LIMIT = re.compile(rf"(?:(stable) ?(?:\+ ?{_NUMBER}%|x ?{_NUMBER})|{_NUMBER}%)(?= |$)", re.ASCII | re.IGNORECASE)
_COUNT = re.compile(r"([0-9]{1,6})(?= |$)", re.ASCII)
_MILLISECONDS = re.compile(r"([0-9]{1,6}) ?ms", re.ASCII)
_STATUS = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?", re.ASCII)
_WHOLE = 100.0


def read_checks(text: str, column: str = "Checks") -> tuple[Check, ...]:
    """The checks, in the order of the cell; `none` leaves only the revision's own health."""
    if text.lower() == "none":
        return ()
    parts = [part.strip() for part in text.split(";")]
    parts = parts[:-1] if len(parts) > 1 and not parts[-1] else parts
    if len(parts) > MOST_CHECKS:
        raise CellError(Problem(column=column, expected=f"at most {MOST_CHECKS} checks", found=str(len(parts))))
    checks: list[Check] = []
    problems: list[Problem] = []
    mended: list[str] = []
    for part in parts:
        try:
            checks.append(_check(part))
            mended.append(part)
        except CellError as error:
            problems += error.problems
            mended.append(next((problem.hint for problem in error.problems), ""))
    asked = sum(check.kind is CheckKind.METRIC for check in checks)
    if asked > MOST_METRICS:
        expected = f"at most {MOST_METRICS} checks of p50, p95, p99 and metric"
        problems.append(Problem(column=column, expected=expected, found=str(asked)))
    if problems:
        hint = "; ".join(mended) if all(map(_reads, mended)) else ""
        raise CellError(*(replace(problem, column=column, hint=hint) for problem in problems))
    return tuple(checks)


def _reads(part: str) -> bool:
    try:
        _check(part)
    except CellError:
        return False
    return True


def _fail(expected: str, found: str, hint: str = "") -> CellError:
    """The problem of one check. hint: what was probably meant, offered only if it reads."""
    return CellError(Problem(column="Checks", expected=expected, found=found, hint=hint))


def _check(text: str) -> Check:
    word = re.split(r"[ <>=!:]", text.lower(), maxsplit=1)[0]
    if word in WORDS:
        return _metric(text)
    if word == "probe":
        return _probe(text)
    match = _COMPARED.fullmatch(text)
    if match is None or word not in _KINDS:
        meant = word if word in _KINDS else nearest(word, _KINDS)
        raise _fail(_EXPECTED, quoted(text), _mended(meant, text[len(word) :]))
    _, op, rest = match.groups()
    return _errors(text, op, rest) if word == "errors" else _restarts(text, op, rest)


def _mended(kind: str, rest: str) -> str:
    """A check of this kind out of what stood behind a word that is none."""
    rest = rest.strip(" :")
    if kind == "probe":
        return f"probe {rest}".strip()
    if kind == "restarts":
        return f"restarts {rest}" if re.match(r"[<>=!]", rest) else f"restarts <= {rest}" if rest else "restarts == 0"
    if kind == "errors" and rest:
        return f"errors {rest}" if re.match(r"[<>=!]", rest) else f"errors <= {_percent(rest)}"
    return ""


def _percent(text: str) -> str:
    """A bare number at the front, or behind `stable +`, made a percentage."""
    return re.sub(rf"^((?:stable ?\+ ?)?){_NUMBER}(?![0-9.]*%)(?= |$)", r"\1\2%", text, flags=re.ASCII | re.IGNORECASE)


def _errors(text: str, op: str, rest: str) -> Check:
    match = _LIMIT.match(rest)
    if op not in {"<=", "<"} or match is None:
        expected = '"errors <=" and a limit: "1%", "stable + 1%" or "stable x 2"'
        turned = re.sub(rf"^{_NUMBER} ?x ?stable", r"stable x \1", re.sub(r"stable ?\*", "stable x", rest))
        raise _fail(expected, quoted(text), f"errors <= {_percent(turned)}" if op in {"=", "==", "<=", "<"} else "")
    stable, above, times, rate = match.groups()
    percent = float(above or rate or 0)
    if percent > _WHOLE or (times and float(times) < 1):
        raise _fail("at most 100%, and stable x 1 or more", quoted(match[0]))
    limit = Limit(rate=percent / _WHOLE, above_stable=bool(stable and above), times=float(times) if times else None)
    return _options(Check(kind=CheckKind.ERRORS, text=text, limit=limit), rest[match.end() :], text)


def _restarts(text: str, op: str, rest: str) -> Check:
    match = _COUNT.match(rest)
    most = int(match[1]) - (op == "<") if match else -1
    if match is None or op not in {"==", "<=", "<"} or most < 0 or (op == "==" and most):
        hint = f"restarts <= {rest}" if match and op in {"=", "=="} else ""
        raise _fail('"restarts == 0" or "restarts <= N"', quoted(text), hint)
    return _options(Check(kind=CheckKind.RESTARTS, text=text, most=most), rest[match.end() :], text)


def _metric(text: str) -> Check:
    check, rest = read_metric(text)
    return _options(check, rest, text)


def _probe(text: str) -> Check:
    match = _PROBE.fullmatch(text)
    path, rest = (match[1] or "", match[2]) if match else ("", "")
    if _PATH.fullmatch(path) is None:
        bare = re.sub(r"^[a-z]+://[^/ ]*", "", path, flags=re.IGNORECASE)
        offer = f"probe {bare if bare.startswith('/') else '/' + bare}{rest}"
        raise _fail('"probe" and a path as in "probe /healthz"', quoted(text), offer)
    check = Check(kind=CheckKind.PROBE, text=text, probe=ProbeSpec(path=path))
    return _options(check, rest, text)


def _options(check: Check, rest: str, text: str) -> Check:
    words = rest.replace(" ms", "ms").split()
    seen: set[str] = set()
    while words:
        word = words.pop(0).lower()
        if word == "over" and check.gauge is None:
            expected = '"over" with p50, p95, p99 and metric alone: all else is judged since the weight was seen'
            raise _fail(expected, quoted(text))
        if word in seen or word not in _allowed(check):
            options = ", ".join(_allowed(check))
            raise _fail(f'each once: {options}; and ";" between two checks', quoted(" ".join([word, *words])))
        seen.add(word)
        check = replace(check, warn=True) if word == "warn" else _option(check, word, words.pop(0) if words else "")
    return check


def _allowed(check: Check) -> tuple[str, ...]:
    match check.kind:
        case CheckKind.PROBE:
            return ("expect", "under", "strikes", "warn")
        case CheckKind.ERRORS:
            return ("min", "strikes", "from", "warn")
        case CheckKind.RESTARTS:
            return ("strikes", "warn")
        case CheckKind.METRIC if check.gauge and check.gauge.percentile:
            return ("over", "min", "strikes", "from", "warn")
        case CheckKind.METRIC:
            return ("over", "min", "strikes", "warn")


def _option(check: Check, word: str, value: str) -> Check:
    match word:
        case "min" | "strikes" if (count := _COUNT.fullmatch(value)) and int(count[1]) > 0:
            number = int(count[1])
            return replace(check, minimum=number) if word == "min" else replace(check, strikes=number)
        case "expect" if check.probe and (status := _STATUS.fullmatch(value)):
            low, high = int(status[1]), int(status[2] or status[1])
            if low <= high:
                return replace(check, probe=replace(check.probe, lowest=low, highest=high))
        case "under" if check.probe and (under := _short(value)):
            return replace(check, probe=replace(check.probe, under=under))
        case "over" if check.gauge and (over := read_over(value)):
            return replace(check, gauge=replace(check.gauge, over=over))
        case "from" if check.gauge and (elsewhere := read_source(check, value)):
            return replace(check, gauge=elsewhere)
        case "from" if check.kind is CheckKind.ERRORS and value.lower() == _MONITOR:
            return check
        case _:
            pass
    raise _fail(f'"{_example(check, word)}"', quoted(f"{word} {value}".strip()))


def _example(check: Check, word: str) -> str:
    match word:
        case "from":
            return "from monitor" if check.kind is CheckKind.ERRORS else "from appinsights"
        case _:
            return {
                "min": "min 20",
                "strikes": "strikes 2",
                "expect": "expect 200-399",
                "under": "under 500ms",
                "over": "over 10m",
            }[word]


def _short(value: str) -> timedelta | None:
    match = _MILLISECONDS.fullmatch(value.lower())
    under = timedelta(milliseconds=int(match[1])) if match else read_duration(value)
    return under if under and under <= timedelta(minutes=1) else None
