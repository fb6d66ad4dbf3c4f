"""PromQL over the kept series: parsed by promql-parser, evaluated here as far as docs/localcloud-monitor.md lists it.

What is not listed is refused by its name, and so is what Azure Monitor refuses: a selector without a metric's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import promql_parser as ast
import re2

from localcloud.monitor import promql_math as calc
from localcloud.monitor.prometheus_store import NAME
from localcloud.monitor.promql_vectors import PromqlError, applied, bare, each, grouped, paired, quantiles, vector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localcloud.monitor.prometheus_store import Labels, Series
    from localcloud.monitor.promql_vectors import Value, Vector

_LOOKBACK = 300.0  # seconds; an older sample is stale
_RATES = ("rate", "increase")


def parse(query: str) -> ast.Expr:
    """Raises PromqlError."""
    try:
        tree = ast.parse(query)
    except ValueError as error:
        raise PromqlError(f'invalid parameter "query": parse error: {error}') from None
    ast.walk(tree, _scoped)
    return tree


def _scoped(node: ast.Expr) -> None:
    if isinstance(node, ast.VectorSelector) and not node.name:
        equal = [m for m in node.matchers.matchers if m.name == NAME and m.op == ast.MatchOp.Equal]
        if len(equal) != 1:
            raise PromqlError("query must be scoped to a metric: expected one __name__ label matcher")


def unsupported(what: str) -> PromqlError:
    """PromQL that Azure understands and this machine does not."""
    return PromqlError(f"localcloud: PromQL: expected what docs/localcloud-monitor.md lists, found {what}")


class Evaluator:
    """series: what there is."""

    def __init__(self, series: Mapping[Labels, Series]) -> None:
        self._series = series

    def value(self, node: ast.Expr, at: float) -> Value:
        """A number or an instant vector. Raises PromqlError."""
        match node:
            case ast.NumberLiteral():
                return float(node.val)
            case ast.ParenExpr():
                return self.value(node.expr, at)
            case ast.UnaryExpr():
                return each(self.value(node.expr, at), lambda value: -value)
            case ast.VectorSelector():
                return {key: samples[-1][1] for key, samples in self._window(node, at, _LOOKBACK)}
            case ast.Call():
                return self._call(node, at)
            case ast.AggregateExpr():
                return self._aggregate(node, at)
            case ast.BinaryExpr():
                return self._binary(node, at)
            case _:
                raise unsupported(_kind(node))

    def matrix(self, node: ast.Expr, at: float) -> Iterator[tuple[Labels, list[tuple[float, float]]]]:
        """Series of a range selector, each with its samples."""
        if not isinstance(node, ast.MatrixSelector):
            raise unsupported(_kind(node))
        return self._window(node.vector_selector, at, node.range.total_seconds())

    def select(self, selector: ast.VectorSelector) -> Iterator[Labels]:
        """Series that a selector names."""
        matchers = [(m.name, m.op, m.value) for m in selector.matchers.matchers]
        if selector.matchers.or_matchers:
            raise unsupported("or between matchers")
        for key in self._series:
            found = dict(key)
            named = selector.name is None or found[NAME] == selector.name
            if named and all(_matches(found.get(name, ""), op, value) for name, op, value in matchers):
                yield key

    def _window(
        self,
        selector: ast.VectorSelector,
        at: float,
        length: float,
    ) -> Iterator[tuple[Labels, list[tuple[float, float]]]]:
        if selector.at is not None:
            raise unsupported("the modifier @")
        until = at - _offset(selector)
        for key in self.select(selector):
            samples = self._series[key].between(until - length, until)
            if samples:
                yield key, samples

    def _call(self, node: ast.Call, at: float) -> Value:
        name = node.func.name
        if name == "time":
            return at
        if name in _RATES:
            return self._rate(node.args[0], at, per_second=name == "rate")
        if name in calc.OVER_TIME:
            over = calc.OVER_TIME[name]
            return {bare(key): over([v for _, v in samples]) for key, samples in self.matrix(node.args[0], at)}
        if name == "histogram_quantile":
            return quantiles(self.value(node.args[0], at), self.value(node.args[1], at))
        raise unsupported(f"the function {name}")

    def _rate(self, node: ast.Expr, at: float, *, per_second: bool) -> Vector:
        if not isinstance(node, ast.MatrixSelector):
            raise unsupported(_kind(node))
        length, end = node.range.total_seconds(), at - _offset(node.vector_selector)
        found: Vector = {}
        for key, samples in self.matrix(node, at):
            grown = calc.increased(samples, end - length, end)
            if grown is not None:
                found[bare(key)] = grown / length if per_second else grown
        return found

    def _aggregate(self, node: ast.AggregateExpr, at: float) -> Vector:
        aggregation = calc.AGGREGATIONS.get(str(node.op))
        if aggregation is None:
            raise unsupported(f"the aggregation {node.op}")
        groups: dict[Labels, list[float]] = {}
        for key, value in vector(self.value(node.expr, at), str(node.op)).items():
            groups.setdefault(grouped(key, node.modifier), []).append(value)
        return {key: aggregation(values) for key, values in groups.items()}

    def _binary(self, node: ast.BinaryExpr, at: float) -> Value:
        op, how = str(node.op), node.modifier
        if op not in calc.ARITHMETIC and op not in calc.COMPARISONS:
            raise unsupported(f"the operator {op}")
        if how is not None and how.group_labels is not None:
            raise unsupported("group_left and group_right")
        left, right = self.value(node.lhs, at), self.value(node.rhs, at)
        as_bool = how is not None and how.return_bool
        if isinstance(left, float) and isinstance(right, float):
            if op in calc.COMPARISONS and not as_bool:
                raise PromqlError("comparisons between scalars must use BOOL modifier")
            return applied(op, left, right, as_bool=True) or 0.0
        return paired(op, left, right, how.matching if how else None, as_bool=as_bool)


def _matches(found: str, op: ast.MatchOp, value: str) -> bool:
    match op:
        case ast.MatchOp.Equal:
            return found == value
        case ast.MatchOp.NotEqual:
            return found != value
        case ast.MatchOp.Re:
            return re2.fullmatch(value, found) is not None
        case _:
            return re2.fullmatch(value, found) is None


def _offset(selector: ast.VectorSelector) -> float:
    return selector.offset.total_seconds() if selector.offset else 0.0


def _kind(node: ast.Expr) -> str:
    return f"{type(node).__name__}: {node.prettify()}"
