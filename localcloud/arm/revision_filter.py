"""`$filter` of the list of revisions: an OData condition on members of a revision.

The published operation says no more than that (`x-ms-odata: Revision` in Azure/azure-rest-api-specs,
.../2024-10-02-preview/ContainerAppsRevisions.json), and no recording has one. So what is judged is what OData 4.01
calls logical operators (§5.1.1.1), on members that are numbers, texts, times, or true or false; functions, arithmetic
and lists are refused.
"""

from __future__ import annotations

import operator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lark import Lark, LarkError, Token, Transformer
from lark.exceptions import VisitError

from localcloud.arm.errors import ArmError, bad_request, unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.arm.models import Json

    Test = Callable[[Json], bool]
    Value = str | float | bool | datetime | None

_GRAMMAR = r"""
?start: either
?either: both ("or"i both)*
?both: one ("and"i one)*
?one: "not"i "(" either ")" -> negated | "(" either ")" | MEMBER OPERATOR value -> compared
?value: TEXT -> text | NUMBER -> number | TIME -> time | YES -> yes | NO -> no | NOTHING -> nothing
OPERATOR.2: /(eq|ne|gt|ge|lt|le)\b/i
YES.3: /true\b/
NO.3: /false\b/
NOTHING.3: /null\b/
TEXT: /'(?:[^']|'')*'/
TIME.3: /\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)/
NUMBER: /-?\d+(\.\d+)?/
MEMBER: /[A-Za-z]+(\/[A-Za-z]+)*/
%ignore /\s+/
"""
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    name: getattr(operator, name) for name in ("eq", "ne", "gt", "ge", "lt", "le")
}
_MEMBERS: dict[str, type] = {
    **dict.fromkeys(("id", "name", "type"), str),
    **{f"properties/{name}": datetime for name in ("createdTime", "lastActiveTime")},
    **{f"properties/{name}": float for name in ("replicas", "trafficWeight")},
    **{f"properties/{name}": str for name in ("fqdn", "provisioningError", "healthState", "provisioningState")},
    "properties/runningState": str,
    "properties/active": bool,
}


class _Tests(Transformer[Token, "Test"]):
    """A condition as a function of a revision's body."""

    def either(self, tests: list[Test]) -> Test:
        return lambda body: any(test(body) for test in tests)

    def both(self, tests: list[Test]) -> Test:
        return lambda body: all(test(body) for test in tests)

    def negated(self, tests: list[Test]) -> Test:
        return lambda body: not tests[0](body)

    def compared(self, parts: list[Any]) -> Test:
        member, name, value = str(parts[0]), str(parts[1]).lower(), parts[2]
        kind = _MEMBERS.get(member)
        if kind is None:
            raise _refused(f"expected one of {', '.join(_MEMBERS)}, found '{member}'")
        if value is not None and not isinstance(value, kind):
            raise _refused(f"{member}: expected a {kind.__name__}, found {value!r}")
        compare = _OPERATORS[name]

        def test(body: Json) -> bool:
            found = _read(body, member, kind)
            if found is None or value is None:  # what is absent is neither more nor less than anything
                return name in ("eq", "ne") and compare(found, value)
            return compare(found, value)

        return test

    def text(self, parts: list[Token]) -> str:
        return parts[0][1:-1].replace("''", "'")

    def number(self, parts: list[Token]) -> float:
        return float(parts[0])

    def time(self, parts: list[Token]) -> datetime:
        return datetime.fromisoformat(parts[0])

    def yes(self, _: list[Token]) -> bool:
        return True

    def no(self, _: list[Token]) -> bool:
        return False

    def nothing(self, _: list[Token]) -> None:
        return None


_PARSER = Lark(_GRAMMAR, parser="lalr")


def test_of(text: str) -> Test:
    """What tells whether a revision's body is asked for.

    Raises:
        ArmError: 400 for a member there is not or a value that is not of its kind, 501 for what is not judged here.
    """
    try:
        found: Test = _Tests().transform(_PARSER.parse(text))
    except VisitError as error:
        if isinstance(error.orig_exc, ArmError):
            raise error.orig_exc from None
        raise
    except LarkError:
        raise unsupported("GET", f"Microsoft.App/containerApps/revisions with $filter={text}") from None
    return found


def _read(body: Json, member: str, kind: type) -> Value:
    found: Any = body
    for part in member.split("/"):
        found = found.get(part)
    return datetime.fromisoformat(found) if kind is datetime and found is not None else found


def _refused(why: str) -> ArmError:
    return bad_request("InvalidFilter", f"$filter: {why}")
