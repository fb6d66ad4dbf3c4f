"""What operators measure: every name of the page is real, a whole rollout is told, and nothing needs the package."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from delivery import orders, telemetry
from delivery.errors import Retry
from rollouts.model import Actor, ActorKind, Phase
from rollouts.seen import Verb
from tests.delivery.shop import KEY, Shop

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"
ADA = Actor(kind=ActorKind.PERSON, id="ada", name="Ada")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[InMemoryMetricReader, InMemorySpanExporter]]:
    """A provider that keeps what it is given; the process-wide one can be set only once, so it is put beside it."""
    reader, spans = InMemoryMetricReader(), InMemorySpanExporter()
    meters, tracers = MeterProvider([reader]), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(metrics, "get_meter", meters.get_meter)
    monkeypatch.setattr(trace, "get_tracer", tracers.get_tracer)
    telemetry._instrument.cache_clear()
    yield reader, spans
    telemetry._instrument.cache_clear()


def points(reader: InMemoryMetricReader) -> dict[str, list[tuple[dict[str, Any], float]]]:
    data = reader.get_metrics_data()
    found: dict[str, list[tuple[dict[str, Any], float]]] = {}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                readings: list[Any] = list(metric.data.data_points)
                found[metric.name] = [
                    (dict(one.attributes), one.sum if hasattr(one, "sum") else one.value) for one in readings
                ]
    return found


async def test_a_whole_rollout_is_told(measured: tuple[InMemoryMetricReader, InMemorySpanExporter]) -> None:
    reader, spans = measured
    shop = await Shop().open()
    await shop.push(1)
    await shop.run()
    told = points(reader)

    assert told["weighbridge.rollout.duration"][0][0] == {"app": "ca-web", "outcome": "promoted"}
    assert told["weighbridge.rollout.weight"] == [({"app": "ca-web"}, 100)]
    said = {attributes["type"]: value for attributes, value in told["weighbridge.said"]}
    assert said == {"RolloutStarted": 1, "RolloutStepped": 3, "RolloutPromoted": 1}
    kinds = {attributes["kind"] for attributes, _ in told["weighbridge.writes"]}
    assert kinds == {"SetTraffic", "CreateCanary", "Deactivate"}
    ticks = [span for span in spans.get_finished_spans() if span.name == "weighbridge.tick"]
    weights = {dict(span.attributes or {}).get("weighbridge.weight") for span in ticks}
    assert {0, 5, 25, 100} <= weights
    assert all(dict(span.attributes or {})["weighbridge.app"] == KEY for span in ticks)


async def test_a_rollback_and_a_channel_that_fails_are_told(
    measured: tuple[InMemoryMetricReader, InMemorySpanExporter],
) -> None:
    reader, _ = measured
    shop = await Shop().open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 1)
    shop.channel.trouble = Retry("hook.test: 503")
    await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.ROLLBACK), ADA)
    await shop.run()

    assert ({"app": "ca-web", "outcome": "rolled_back"}) in [
        a for a, _ in points(reader)["weighbridge.rollout.duration"]
    ]


async def test_without_the_package_everything_works(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def hidden(name: str, *args: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "opentelemetry":
            raise ImportError(name)
        return real(name, *args, **more)

    telemetry._instrument.cache_clear()
    monkeypatch.setattr(builtins, "__import__", hidden)
    shop = await Shop().open()
    await shop.push(1)
    await shop.run()
    telemetry._instrument.cache_clear()

    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]


def test_the_page_lists_every_number_with_its_unit() -> None:
    rows = re.findall(r"^\| `(weighbridge\.[a-z.]+)` \| (\w+) \| `(.+?)` \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    known = telemetry.INSTRUMENTS
    assert rows == [(name, one.kind.value, one.unit, one.tells) for name, one in known.items()]
