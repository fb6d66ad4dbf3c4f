"""Timers, once a minute: the sweep, the watch over policy rows, and the questions to Defender where they are wanted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import azure.functions as func

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.ports import Ports

EVERY_MINUTE = "0 * * * * *"
AT_QUARTER = "15 * * * * *"
AT_HALF = "30 * * * * *"
log = logging.getLogger("weighbridge.timers")


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """`sweep`, `watch_policies` and `ask_defender`."""
    functions = func.Blueprint()

    @functions.function_name("sweep")
    @functions.timer_trigger(arg_name="timer", schedule=EVERY_MINUTE, run_on_startup=False)
    async def sweep_apps(timer: func.TimerRequest) -> None:
        from delivery import sweep

        woken = await sweep.sweep(ports())
        if woken:
            log.info("sweep: woke %d late apps%s", woken, ", past due" if timer.past_due else "")

    @functions.function_name("watch_policies")
    @functions.timer_trigger(arg_name="timer", schedule=AT_HALF, run_on_startup=False)
    async def watch_policies(timer: func.TimerRequest) -> None:
        from delivery import policy_watch

        changed = await policy_watch.watch(ports())
        if changed:
            log.info("watch_policies: %d rows changed%s", changed, ", past due" if timer.past_due else "")

    @functions.function_name("ask_defender")
    @functions.timer_trigger(arg_name="timer", schedule=AT_QUARTER, run_on_startup=False)
    async def ask_defender(timer: func.TimerRequest) -> None:
        if ports().settings.defender is None:
            return
        from delivery import defender

        polled = await defender.poll(ports())
        for problem in polled.problems:
            log.warning("ask_defender: %s", problem)
        if polled.asked:
            log.info("ask_defender: asked of %d images, %d are scanned", polled.asked, polled.found)
        _ = timer

    return functions
