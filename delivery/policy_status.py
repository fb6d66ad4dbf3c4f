"""The Status cell of a policy row: what is wrong with it, or what it does now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery import codec, references, state
from delivery.bounds import cut
from delivery.errors import Malformed
from delivery.policy_check import registry
from policies.model import NAME
from policies.status import LONGEST_STATUS, broken_line, status_line
from rollouts.model import Mode

if TYPE_CHECKING:
    from collections.abc import Collection

    from delivery.policy_check import Checked
    from delivery.ports import Ports
    from policies.model import Policy
    from rollouts.model import App, Rollout

NEXT = "change applies to the next image"


async def status(ports: Ports, checked: Checked, aside: str, heard: Collection[str]) -> str:
    """What the cell should say. aside: what came of reading the registry. heard: registries an event came from.

    At most 1 read of the app, if the row names one, and 1 of each row of `names` that it refers to.
    """
    if checked.error is not None:
        return broken_line(checked.error)
    policy = checked.policy
    if policy is None:
        return "ok: shared by the registry's other rows"
    doing = _doing(await _app(ports, policy), policy)
    if doing:
        return doing
    if wrong := await references.missing(ports.rows, policy):
        return cut(f"broken: {wrong}", LONGEST_STATUS)
    server = registry(checked.row)
    said = [status_line(policy), "" if policy.mode is Mode.OFF else aside]
    said.append("" if server in heard else f"no event ever came from {server}")
    return cut("; ".join(filter(None, said)), LONGEST_STATUS)


async def _app(ports: Ports, policy: Policy) -> App | None:
    """The row's app. A row of many apps says nothing of each."""
    if NAME in policy.app.text:
        return None
    try:
        return (await state.load(ports.rows, policy.app.app_key(ports.settings.subscription, ""))).app
    except Malformed:
        return None  # parked and announced where it is ticked


def _doing(app: App | None, policy: Policy) -> str:
    """What an image of this row does in its app, "" for nothing."""
    live = app.live if app else None
    if live is not None and live.policy == policy.key:
        return _rolling(live, policy)
    waiting = [rollout for rollout in (app.waiting if app else ()) if rollout.policy == policy.key]
    if waiting:
        return f"waiting: {waiting[-1].image.tag}: {waiting[-1].because}"[: codec.LONGEST_TEXT]
    return ""


def _rolling(live: Rollout, policy: Policy) -> str:
    weight = live.plan.steps[live.step].weight if live.plan else 0
    later = f"; {NEXT}" if live.policy_version != policy.version else ""
    said = f"rolling {live.image.tag} at {weight} %: {live.because}"
    return said[: codec.LONGEST_TEXT - len(later)] + later
