"""Instant vectors and what is done to them: pairs, groups, quantiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import promql_parser as ast

from localcloud.monitor import promql_math as calc
from localcloud.monitor.prometheus_store import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.monitor.prometheus_store import Labels

Vector = dict["Labels", float]
Value = float | Vector


class PromqlError(Exception):
    """400: what cannot be answered, and why."""


def paired(op: str, left: Value, right: Value, on: ast.LabelModifier | None, *, as_bool: bool) -> Vector:
    """One number per pair: of a vector and a number, or of two vectors whose labels match one to one."""
    if isinstance(right, float) or isinstance(left, float):
        several = left if isinstance(left, dict) else right
        found: Vector = {}
        for key, value in vector(several, op).items():
            pair = (value, right) if isinstance(right, float) else (left, value)
            result = applied(op, float(pair[0]), float(pair[1]), as_bool=as_bool)  # type: ignore[arg-type] # one is a number
            if result is not None:
                kept = op in calc.COMPARISONS and not as_bool
                found[key if kept else bare(key)] = value if kept else result
        return found
    others: Vector = {}
    for key, value in right.items():
        if matching(key, on) in others:
            raise PromqlError("many-to-many matching not allowed: matching labels must be unique on one side")
        others[matching(key, on)] = value
    paired: Vector = {}
    for key, value in left.items():
        match = matching(key, on)
        if match in others:
            result = applied(op, value, others[match], as_bool=as_bool)
            if match in paired:
                raise PromqlError("multiple matches for labels: many-to-one matching must be explicit")
            if result is not None:
                paired[match] = result
    return paired


def applied(op: str, left: float, right: float, *, as_bool: bool) -> float | None:
    """None: a comparison that does not hold."""
    if op in calc.ARITHMETIC:
        return calc.ARITHMETIC[op](left, right)
    holds = calc.COMPARISONS[op](left, right)
    if as_bool:
        return float(holds)
    return left if holds else None


def quantiles(share: Value, buckets: Value) -> Vector:
    """Of histograms, by the labels other than `le`."""
    if not isinstance(share, float):
        raise PromqlError("histogram_quantile: expected a number first")
    groups: dict[Labels, dict[float, float]] = {}
    for key, value in vector(buckets, "histogram_quantile").items():
        bound = dict(key).get("le")
        if bound is not None:
            rest = tuple(pair for pair in bare(key) if pair[0] != "le")
            groups.setdefault(rest, {})[math.inf if bound == "+Inf" else float(bound)] = value
    return {key: calc.quantile(share, found) for key, found in groups.items()}


def each(value: Value, apply: Callable[[float], float]) -> Value:
    """Every number of it, changed."""
    if isinstance(value, float):
        return apply(value)
    return {bare(key): apply(one) for key, one in value.items()}


def vector(value: Value, what: str) -> Vector:
    """The vector it is. Raises PromqlError."""
    if isinstance(value, float):
        raise PromqlError(f"expected type instant vector in {what}, got scalar")
    return value


def bare(key: Labels) -> Labels:
    """Without the metric's name: what is computed is another metric."""
    return tuple(pair for pair in key if pair[0] != NAME)


def grouped(key: Labels, modifier: ast.AggModifier | None) -> Labels:
    """The labels of the group it is in."""
    if modifier is None:
        return ()
    names = set(modifier.labels)
    by = modifier.type == ast.AggModifierType.By
    return tuple(pair for pair in bare(key) if (pair[0] in names) is by)


def matching(key: Labels, on: ast.LabelModifier | None) -> Labels:
    """The labels by which two series are one pair."""
    if on is None:
        return bare(key)
    names = set(on.labels)
    include = on.type == ast.LabelModifierType.Include
    return tuple(pair for pair in bare(key) if (pair[0] in names) is include)
