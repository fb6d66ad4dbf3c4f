"""The grammar of the Tags cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from policies.calver import read_format
from policies.cells import LONGEST_CELL
from policies.errors import CellError, Problem, quoted
from policies.patterns import HOLE, Pattern, regex_fault, regex_groups
from policies.tag_hints import repaired
from policies.tag_kinds import Calver, Exact, Kind, Newest, Number, Order, Regex, Semver
from policies.tags import TAG, TagRule
from policies.versions import read_range

_WORDS = re.compile(r" (from|except) ", re.IGNORECASE)
_EXPECTED = (
    '"semver: RANGE", "calver: FORMAT", "number", "newest", "exact: TAG", "regex: R" or "glob: P", '
    'then perhaps "from PATTERN" and "except GLOB"'
)
_GLOB = re.compile(r"[A-Za-z0-9._*?{}-]{1,140}", re.ASCII)
_MOST = 50
_ALONE = frozenset({"semver", "number", "newest"})  # kinds that need no argument
_IN_A_HOLE = {Order.SEMVER: "version", Order.CALVER: "date", Order.NUMBER: "number"}


def read_tags(text: str, column: str = "Tags") -> TagRule:
    """The rule; raises `CellError` with every problem of the cell."""
    if len(text) > LONGEST_CELL:
        found = f"{len(text)} characters"
        raise CellError(Problem(column=column, expected=f"at most {LONGEST_CELL} characters", found=found))
    try:
        return _parse(text, column)
    except CellError as error:
        problems = [replace(problem, hint=_offer(text, problem.hint)) for problem in error.problems]
        raise CellError(*problems) from None


def _offer(text: str, hint: str) -> str:
    """The first corrected cell that reads without a problem, "" when none does."""
    for offer in (hint, repaired(text)):
        if offer == text:
            continue
        try:
            _parse(offer, "")
        except CellError:
            continue
        return offer
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """The cell taken apart. tail: the clauses as they were written."""

    kind: str
    colon: bool
    argument: str
    source: str | None
    excluded: str | None
    tail: str


def _parse(text: str, column: str) -> TagRule:
    """The rule. The hints of its problems are guesses: nobody has read them."""
    written = _taken_apart(text, column)
    if written.kind == "glob" and written.argument and written.source is None:
        written = replace(written, kind="newest", argument="", source=written.argument)
    problems: list[Problem] = []
    kind = _kind(text, written, column, problems)
    source = Pattern(text=written.source) if written.source is not None else None
    excluded = tuple(glob.strip() for glob in written.excluded.split(",")) if written.excluded is not None else ()
    if isinstance(kind, Exact) and written.tail:
        found = '"from" or "except"'
        expected = '"exact" alone: it names whole tags'
        problems.append(Problem(column=column, expected=expected, found=found, hint=str(kind)))
    elif source is not None:
        problems += _source_problems(text, kind, source, column)
    problems += _excluded_problems(excluded, column)
    if kind is None or problems:
        raise CellError(*problems)
    return TagRule(text=text, kind=kind, source=source, excluded=tuple(dict.fromkeys(excluded)))


def _taken_apart(text: str, column: str) -> _Written:
    head, *rest = _WORDS.split(f"{text} ")
    found: dict[str, str] = {}
    for word, clause in zip(rest[::2], rest[1::2], strict=True):
        word = word.lower()
        if word in found or (word == "from" and "except" in found):
            expected = 'one "from", then one "except"'
            raise CellError(Problem(column=column, expected=expected, found=quoted(text)))
        found[word] = clause.strip()
    kind, colon, argument = head.partition(":")
    return _Written(
        kind=kind.strip().lower(),
        colon=bool(colon),
        argument=argument.strip(),
        source=found.get("from"),
        excluded=found.get("except"),
        tail=text[len(head) :],
    )


def _kind(text: str, written: _Written, column: str, problems: list[Problem]) -> Kind | None:
    """The kind with its argument; what is wrong with it is noted, the clauses standing behind each corrected head."""
    reader = _READERS.get(written.kind)
    if reader is None or not (written.colon or written.kind in _ALONE):
        problems.append(Problem(column=column, expected=_EXPECTED, found=quoted(text)))
        return None
    try:
        return reader(written.argument, column)
    except CellError as error:
        problems += [replace(wrong, hint=f"{wrong.hint}{written.tail}") for wrong in error.problems]
        return None


def _semver(argument: str, column: str) -> Kind:
    allowed = read_range(argument)
    if allowed is None:
        separated = re.sub(r"(?<=[0-9xX*])(?=[<>=!~^])", " ", argument).replace("==", "=").rstrip(", ")
        expected = 'a range as in "semver: >=1.4 <2"'
        raise CellError(Problem(column=column, expected=expected, found=quoted(argument), hint=f"semver: {separated}"))
    return Semver(range=allowed)


def _calver(argument: str, column: str) -> Kind:
    return Calver(format=read_format(argument, column))


def _number(argument: str, column: str) -> Kind:
    if argument:
        expected = '"number" alone, or with a pattern as in "number from build-{}"'
        raise CellError(Problem(column=column, expected=expected, found=quoted(argument)))
    return Number()


def _newest(argument: str, column: str) -> Kind:
    if argument:
        expected = '"newest" alone, or with a pattern as in "newest from main-*"'
        raise CellError(Problem(column=column, expected=expected, found=quoted(argument)))
    return Newest()


def _exact(argument: str, column: str) -> Kind:
    names = tuple(name.strip() for name in argument.split(","))
    wrong = [name for name in names if TAG.fullmatch(name) is None]
    if wrong or len(names) > _MOST:
        found = quoted(argument) if wrong else f"{len(names)} tags"
        hint = f"newest from {wrong[0]}" if len(names) == 1 else ""
        raise CellError(
            Problem(column=column, expected=f'1 to {_MOST} tags as in "exact: latest"', found=found, hint=hint)
        )
    return Exact(names=tuple(dict.fromkeys(names)))


def _regex(argument: str, column: str) -> Kind:
    fault = regex_fault(argument) if argument else "nothing"
    if fault:
        expected = "a regular expression of RE2"
        raise CellError(Problem(column=column, expected=expected, found=fault))
    return Regex(regex=argument) if regex_groups(argument) else Newest(regex=argument)


def _glob(argument: str, column: str) -> Kind:
    """Reached only by what `read_tags` did not read as `newest from`."""
    found = '"from" behind it' if argument else "nothing"
    expected = 'one pattern as in "glob: main-*"'
    raise CellError(Problem(column=column, expected=expected, found=found))


_READERS: dict[str, Callable[[str, str], Kind]] = {
    "semver": _semver,
    "calver": _calver,
    "number": _number,
    "newest": _newest,
    "exact": _exact,
    "regex": _regex,
    "glob": _glob,
}


def _excluded_problems(globs: tuple[str, ...], column: str) -> list[Problem]:
    wrong = [glob for glob in globs if _GLOB.fullmatch(glob) is None or HOLE in glob]
    if not wrong and len(globs) <= _MOST:
        return []
    found = quoted(", ".join(wrong)) if wrong else f"{len(globs)} globs"
    expected = f'1 to {_MOST} globs after "except", as in "except *-debug, *-rc*"'
    return [Problem(column=column, expected=expected, found=found)]


def _source_problems(text: str, kind: Kind | None, source: Pattern, column: str) -> list[Problem]:
    found = quoted(source.text)
    holes, wild = source.text.count(HOLE), "*" in source.text or "?" in source.text
    if _GLOB.fullmatch(source.text) is None or "{" in source.text.replace(HOLE, "", 1):
        expected = 'a pattern after "from", as in "from main-*" or "from v{}"'
        return [Problem(column=column, expected=expected, found=found)]
    if holes and wild:
        expected = 'either "{}" or "*" after "from": with both, the compared part is anybody\'s guess'
        return [Problem(column=column, expected=expected, found=found)]
    if kind is not None and kind.order in _IN_A_HOLE and not holes:
        expected = f'a "{{}}" where the {_IN_A_HOLE[kind.order]} stands'
        # The head may hold the same text: only what follows the word is changed.
        head, word, tail = text.partition(" from ")
        hint = f"{head}{word}{tail.replace('*', HOLE, 1)}"
        return [Problem(column=column, expected=expected, found=found, hint=hint)]
    return []
