"""The grammar of the Tags cell."""

from __future__ import annotations

import re

from policies.errors import CellError, NotKept, Problem, quoted
from policies.patterns import HOLE, Pattern, regex_fault
from policies.tags import TAG, Order, TagRule
from policies.versions import read_range, read_version

_WORDS = re.compile(r" (from|except) ", re.IGNORECASE)
_LATER = ("calver", "number")
_EXPECTED = '"semver: RANGE", "newest", "exact: TAG", "regex: R" or "glob: P"'
_GLOB = re.compile(r"[A-Za-z0-9._*?{}-]{1,140}", re.ASCII)
_MOST = 50


def read_tags(text: str, column: str = "Tags") -> TagRule:
    """The rule; raises `CellError` with every problem of the cell."""
    head, source, excluded = _clauses(text, column)
    kind, colon, argument = (part.strip() for part in head.partition(":"))
    kind = kind.lower()
    if kind in _LATER:
        raise CellError(NotKept(column=column, found=quoted(text), part=kind))
    if kind == "glob" and colon and argument and source is None:
        kind, colon, argument, source = "newest", "", "", argument
    pattern = Pattern(text=source) if source is not None else None
    globs = tuple(glob.strip() for glob in excluded.split(",")) if excluded is not None else ()
    match kind, bool(colon):
        case "semver", _ if colon or not argument:
            rule = _semver(text, argument, column)
        case "newest", False:
            rule = TagRule(text=text, order=Order.NEWEST)
        case "exact", True:
            rule = _exact(text, argument, column)
        case "regex", True:
            rule = _regex(text, argument, column)
        case _:
            raise CellError(Problem(column=column, expected=_EXPECTED, found=quoted(text), hint=_repaired(text)))
    _check(rule, pattern, globs, column)
    return TagRule(
        text=text,
        order=rule.order,
        range=rule.range,
        names=rule.names,
        regex=rule.regex,
        source=pattern,
        excluded=globs,
    )


def _clauses(text: str, column: str) -> tuple[str, str | None, str | None]:
    head, *rest = _WORDS.split(f"{text} ")
    found: dict[str, str] = {}
    for word, clause in zip(rest[::2], rest[1::2], strict=True):
        word = word.lower()
        if word in found or (word == "from" and "except" in found):
            expected = 'one "from", then one "except"'
            raise CellError(Problem(column=column, expected=expected, found=quoted(text)))
        found[word] = clause.strip()
    return head.strip(), found.get("from"), found.get("except")


def _semver(text: str, argument: str, column: str) -> TagRule:
    allowed = read_range(argument)
    if allowed is None:
        expected = 'a range as in "semver: >=1.4 <2"'
        separated = re.sub(r"(?<=[0-9xX*])(?=[<>=!~^])", " ", argument)
        hint = f"semver: {separated}" if separated != argument and read_range(separated) else ""
        raise CellError(Problem(column=column, expected=expected, found=quoted(argument), hint=hint))
    return TagRule(text=text, order=Order.SEMVER, range=allowed)


def _exact(text: str, argument: str, column: str) -> TagRule:
    names = tuple(name.strip() for name in argument.split(","))
    wrong = [name for name in names if TAG.fullmatch(name) is None]
    if wrong or len(names) > _MOST:
        hint = f"newest from {wrong[0]}" if len(names) == 1 and _GLOB.fullmatch(names[0]) else ""
        expected = f'1 to {_MOST} tags as in "exact: latest"'
        raise CellError(Problem(column=column, expected=expected, found=quoted(argument), hint=hint))
    return TagRule(text=text, order=Order.EXACT, names=tuple(dict.fromkeys(names)))


def _regex(text: str, argument: str, column: str) -> TagRule:
    fault = regex_fault(argument) if argument else "none"
    if fault:
        expected = "a regular expression of RE2 that fits the whole tag"
        raise CellError(Problem(column=column, expected=expected, found=fault))
    return TagRule(text=text, order=Order.NEWEST, regex=argument)


def _check(rule: TagRule, source: Pattern | None, globs: tuple[str, ...], column: str) -> None:
    """Raise what is wrong with the clauses, all at once."""
    problems: list[Problem] = []
    if rule.order is Order.EXACT and (source or globs):
        problems.append(
            Problem(column=column, expected='"exact" alone: it names whole tags', found='"from" or "except"')
        )
    if source is not None:
        problems += _source_problems(rule, source, column)
    wrong = [glob for glob in globs if _GLOB.fullmatch(glob) is None or HOLE in glob]
    if wrong or len(globs) > _MOST:
        expected = f'1 to {_MOST} globs after "except", as in "except *-debug, *-rc*"'
        problems.append(Problem(column=column, expected=expected, found=quoted(", ".join(globs))))
    if problems:
        raise CellError(*problems)


def _source_problems(rule: TagRule, source: Pattern, column: str) -> list[Problem]:
    found = quoted(source.text)
    holes, wild = source.text.count(HOLE), "*" in source.text or "?" in source.text
    if _GLOB.fullmatch(source.text) is None or "{" in source.text.replace(HOLE, "", 1):
        expected = 'a pattern after "from", as in "from main-*" or "from v{}"'
        return [Problem(column=column, expected=expected, found=found)]
    if holes and wild:
        expected = 'either "{}" or "*" after "from": with both, the compared part is anybody\'s guess'
        return [Problem(column=column, expected=expected, found=found)]
    if rule.order is Order.SEMVER and not holes:
        expected = 'a "{}" where the version stands'
        hint = rule.text.replace(source.text, source.text.replace("*", HOLE, 1)) if wild else ""
        return [Problem(column=column, expected=expected, found=found, hint=hint)]
    return []


def _repaired(text: str) -> str:
    """The cell that was probably meant, "" when that is anybody's guess."""
    if text.lower() == "none":
        return ""
    head, *rest = re.split(r" (?=from |except )", text, maxsplit=1)
    word, _, argument = head.partition(" ")
    word, argument = word.lower().rstrip(":="), argument.strip()
    offers = {
        "newest": f"newest from {argument}",
        "regexp": f"regex: {argument}",
        "re": f"regex: {argument}",
        **{kind: f"{kind}: {argument}" for kind in ("semver", "exact", "regex", "glob")},
    }
    if word in offers and argument:
        offer = offers[word]
    elif re.match(r"[<>=~^]", head) or (re.search(r"\.[xX*]", head) and read_range(head)):
        offer = f"semver: {head}"
    elif read_version(head) or TAG.fullmatch(head):
        offer = f"exact: {head}"
    elif _GLOB.fullmatch(head):
        offer = f"newest from {head}"
    else:
        return ""
    offer = " ".join([offer, *rest])
    try:
        read_tags(offer)
    except CellError:
        return ""
    return offer
