"""Queue triggers: ticks, deliveries, and what their poison queues hold."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import azure.functions as func

from delivery import names
from delivery.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from delivery.ports import Ports

STORAGE = "AzureWebJobsStorage"
POISON = "-poison"
log = logging.getLogger("weighbridge.queues")


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """`tick`, `deliver`, and `parked_ticks`, `parked_deliveries`, `parked_events` for the poison queues."""
    functions = func.Blueprint()
    _work(functions, ports)
    _poison(functions, ports)
    return functions


def _work(functions: func.Blueprint, ports: Callable[[], Ports]) -> None:
    @functions.function_name("tick")
    @functions.queue_trigger(arg_name="message", queue_name=names.TICKS, connection=STORAGE)
    async def tick_app(message: str) -> None:
        from delivery import tick

        try:
            body = _body(message)
            if await _was_a_call(ports(), body, names.TICKS):
                return
            wake = tick.read(body)
        except Malformed as error:
            await _park(ports(), names.TICKS, message, error)
            return
        ticked = await tick.tick(ports(), wake)
        if ticked.won and ticked.decision and ticked.decision.because:
            live = ticked.decision.next.live
            log.info("tick: app=%s rollout=%s: %s", wake.app, live.n if live else "none", ticked.decision.because)

    @functions.function_name("deliver")
    @functions.queue_trigger(arg_name="message", queue_name=names.OUTBOX, connection=STORAGE)
    async def deliver(message: str) -> None:
        from delivery import outbox

        try:
            body = _body(message)
            if await _was_a_call(ports(), body, names.OUTBOX):
                return
            letter = outbox.read(body)
        except Malformed as error:
            await _park(ports(), names.OUTBOX, message, error)
            return
        told = await outbox.deliver(ports(), letter)
        about = "none" if told.rollout is None else told.rollout
        log.info("deliver: app=%s rollout=%s: %s of %s", letter.app, about, told.became, letter.key)


def _poison(functions: func.Blueprint, ports: Callable[[], Ports]) -> None:
    @functions.function_name("parked_ticks")
    @functions.queue_trigger(arg_name="message", queue_name=names.TICKS + POISON, connection=STORAGE)
    async def parked_ticks(message: str) -> None:
        from delivery import parking

        log.error("parked_ticks: a tick failed five times: %s", message[:400])
        await parking.park_tick(ports(), _body_or_nothing(message), message)

    @functions.function_name("parked_deliveries")
    @functions.queue_trigger(arg_name="message", queue_name=names.OUTBOX + POISON, connection=STORAGE)
    async def parked_deliveries(message: str) -> None:
        from delivery import parking

        log.error("parked_deliveries: a delivery failed five times: %s", message[:400])
        await parking.park_letter(ports(), _body_or_nothing(message), message)

    @functions.function_name("parked_events")
    @functions.queue_trigger(arg_name="message", queue_name=names.EVENTS + POISON, connection=STORAGE)
    async def parked_events(message: str) -> None:
        from delivery import parking
        from handlers import decode

        log.error("parked_events: an event failed five times; it is heard again in 5 minutes")
        event = decode.queued(message)
        await parking.park_event(ports(), _body_or_nothing(event), event)


async def _was_a_call(ports: Ports, body: Mapping[str, object], queue: str) -> bool:
    """Whether `weighbridge doctor` asks if the queue is worked on; then that is answered, and no more is to do."""
    from delivery import doctor_call

    call = doctor_call.of_message(body)
    if call:
        await doctor_call.hear(ports, call, queue)
    return bool(call)


async def _park(ports: Ports, queue: str, message: str, error: Malformed) -> None:
    from delivery import parking

    key = await parking.park(ports, f"queue {queue}", message, str(error))
    log.warning("queue %s: parked as %s: %s", queue, key, error)


def _body(message: str) -> Mapping[str, object]:
    try:
        body = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"message: expected JSON, found {message[:80]!r}") from error
    if not isinstance(body, dict):
        raise Malformed(f"message: expected an object, found {type(body).__name__}")
    return body


def _body_or_nothing(message: str) -> Mapping[str, object]:
    try:
        return _body(message)
    except Malformed:
        return {}
