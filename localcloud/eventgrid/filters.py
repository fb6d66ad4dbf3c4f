"""Which events a subscription wants, by their subject and by their fields.

https://learn.microsoft.com/en-us/azure/event-grid/event-filtering, read as of September 2022 (MicrosoftDocs/azure-docs,
aa80303): the operators, what each does with an array and without its field, and the limits. Text is compared without
regard to case. It names neither of the operators of ranges where it says what comes of an event without the field: they
do as their kin do. That an array matches nothing where arrays are not enabled is said by
https://learn.microsoft.com/en-us/azure/event-grid/edge/advanced-filtering.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec

_FILTERS = 25
_VALUES = 25  # of all filters of a subscription; a range is one
_LONGEST = 512  # characters of a text
_ALIASES = {"eventid": "id", "eventtype": "type"}  # what the page calls two attributes of a CloudEvent
_WITHOUT = ("NumberNotIn", "NumberNotInRange", "StringNotIn")  # which an event without the field passes
_NOTHING = ("IsNullOrUndefined", "IsNotNull")
_SINGLE = ("NumberLessThan", "NumberGreaterThan", "NumberLessThanOrEquals", "NumberGreaterThanOrEquals", "BoolEquals")
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "NumberIn": lambda found, given: found == given,
    "NumberLessThan": lambda found, given: found < given,
    "NumberGreaterThan": lambda found, given: found > given,
    "NumberLessThanOrEquals": lambda found, given: found <= given,
    "NumberGreaterThanOrEquals": lambda found, given: found >= given,
    "NumberInRange": lambda found, given: given[0] <= found <= given[1],
    "BoolEquals": lambda found, given: found == given,
    "StringContains": lambda found, given: given in found,
    "StringBeginsWith": lambda found, given: found.startswith(given),
    "StringEndsWith": lambda found, given: found.endswith(given),
    "StringIn": lambda found, given: found == given,
}
_NEGATED = {
    f"{kind}Not{rest}": f"{kind}{rest}"
    for kind, rest in (
        ("Number", "In"),
        ("Number", "InRange"),
        ("String", "Contains"),
        ("String", "BeginsWith"),
        ("String", "EndsWith"),
        ("String", "In"),
    )
}


class Advanced(msgspec.Struct, kw_only=True, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One condition on one field. value: of an operator that takes one; values: any of them will do."""

    operator_type: str
    key: Annotated[str, msgspec.Meta(min_length=1)]
    value: Any = None
    values: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        known = (*_TESTS, *_NEGATED, *_NOTHING)
        if self.operator_type not in known:
            raise ValueError(f"operatorType: expected one of {', '.join(known)}, found {self.operator_type!r}")
        if self.operator_type not in _NOTHING and not self.given():
            raise ValueError(f"{self.operator_type}: expected a value to compare with, found none")
        for one in self.given():
            if not _fits(self.operator_type, one):
                raise ValueError(f"{self.operator_type}: expected a value of its kind, found {type(one).__name__}")
            if isinstance(one, str) and len(one) > _LONGEST:
                raise ValueError(f"{self.operator_type}: expected {_LONGEST} characters at most, found {len(one)}")

    def given(self) -> tuple[Any, ...]:
        """What the field is compared with."""
        if self.operator_type in _NOTHING:
            return ()
        return self.values if self.operator_type not in _SINGLE else () if self.value is None else (self.value,)

    def matches(self, event: Mapping[str, object], *, arrays: bool) -> bool:
        """Whether the event passes; a value of another kind is as good as none that matches."""
        found = field(event, self.key)
        if self.operator_type in _NOTHING:
            return (found is None) == (self.operator_type == "IsNullOrUndefined")
        if found is None:
            return self.operator_type in _WITHOUT
        if isinstance(found, list) and not arrays:
            return False
        test = _TESTS[_NEGATED.get(self.operator_type, self.operator_type)]
        every = found if isinstance(found, list) else [found]
        comparable = [_folded(one) for one in every if isinstance(one, _kind(self.operator_type)) and _plain(self, one)]
        hit = any(test(one, _folded(given)) for given in self.given() for one in comparable)
        return hit != (self.operator_type in _NEGATED)


class Filter(msgspec.Struct, kw_only=True, frozen=True, rename="camel", forbid_unknown_fields=True):
    """All of it must hold; the members are those of `EventSubscriptionFilter` in ARM."""

    subject_begins_with: str = ""
    subject_ends_with: str = ""
    is_subject_case_sensitive: bool = False
    enable_advanced_filtering_on_arrays: bool = False
    advanced_filters: tuple[Advanced, ...] = ()

    def __post_init__(self) -> None:
        if len(self.advanced_filters) > _FILTERS:
            raise ValueError(f"advancedFilters: expected {_FILTERS} at most, found {len(self.advanced_filters)}")
        values = sum(len(one.given()) for one in self.advanced_filters)
        if values > _VALUES:
            raise ValueError(f"advancedFilters: expected {_VALUES} values at most in all of them, found {values}")

    def wants(self, event: Mapping[str, object]) -> bool:
        """Whether an event, as it was published, passes."""
        texts = (str(event.get("subject") or ""), self.subject_begins_with, self.subject_ends_with)
        subject, begins, ends = texts if self.is_subject_case_sensitive else map(str.lower, texts)
        arrays = self.enable_advanced_filtering_on_arrays
        return (
            subject.startswith(begins)
            and subject.endswith(ends)
            and all(one.matches(event, arrays=arrays) for one in self.advanced_filters)
        )


ANYTHING = Filter()


def _kind(operator: str) -> type | tuple[type, ...]:
    return str if operator.startswith("String") else bool if operator.startswith("Bool") else (int, float)


def _plain(one: Advanced, found: object) -> bool:
    """Python counts True as a number; Event Grid does not."""
    return not (one.operator_type.startswith("Number") and isinstance(found, bool))


def _fits(operator: str, given: object) -> bool:
    if operator.endswith("InRange"):
        return isinstance(given, list | tuple) and len(given) == 2 and all(_fits("NumberIn", one) for one in given)  # noqa: PLR2004 - low and high
    return isinstance(given, _kind(operator)) and not (operator.startswith("Number") and isinstance(given, bool))


def _folded(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def field(event: Mapping[str, object], key: str) -> object:
    """What stands there, None for nothing.

    The names of an event's own members are found in any case, those of its data as they are written.
    """
    first, *rest = key.split(".")
    first = first.lower()
    if "specversion" in event:
        first = _ALIASES.get(first, first)
    found: object = next((value for name, value in event.items() if name.lower() == first), None)
    for name in rest:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
