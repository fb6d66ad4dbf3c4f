"""What became of an image under the policies that a row's After names; and whom a promotion wakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery import names, policy_book, state
from delivery.errors import Malformed, Refused, Retry
from delivery.reading import ask
from policies.after import AfterRule, elsewhere
from policies.errors import PolicyError
from rollouts.model import Mode
from rollouts.seen import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.policy_book import Book
    from delivery.ports import Ports
    from policies.facts import Elsewhere
    from policies.model import Policy
    from rollouts.model import Image, Rollout


async def seen(ports: Ports, policy: Policy, book: Book, image: Image) -> Mapping[str, Elsewhere | Unknown]:
    """By the name of each policy of this repository that After names: 2 reads each."""
    found: dict[str, Elsewhere | Unknown] = {}
    for name in _named(policy):
        there = _row(book, name)
        if there is not None:
            found[name] = await _there(ports, there, image)
    return found


def _named(policy: Policy) -> list[str]:
    rules = (rule for rule in policy.gates if isinstance(rule, AfterRule))
    return list(dict.fromkeys(name for rule in rules for name, _ in rule.before))


def _row(book: Book, name: str) -> Policy | PolicyError | None:
    """The row of this name: the repository's own before a pattern's."""
    good = sorted((p for p in book.policies if p.name == name), key=lambda p: p.key.partition("/")[0].endswith("|*"))
    broken = (error for key, error in book.broken.items() if key.partition("/")[2] == name)
    return good[0] if good else next(broken, None)


async def _there(ports: Ports, policy: Policy | PolicyError, image: Image) -> Elsewhere | Unknown:
    if isinstance(policy, PolicyError):
        return Unknown(because=f"the row {policy.source} is broken")
    key = policy.app.app_key(ports.settings.subscription, image.repository)
    try:
        app = (await state.load(ports.rows, key)).app
    except (Malformed, Retry, Refused) as error:
        return Unknown(because=str(error))
    held = await ask(ports.rows.get(names.ROLLOUTS, key, names.quarantine_key(image.digest)))
    if isinstance(held, Unknown):
        return held
    return elsewhere(
        app, policy.key, image.digest, f"in quarantine there: {held.columns.get('because')}" if held else ""
    )


async def later(ports: Ports, rollout: Rollout) -> list[str]:
    """The keys of the apps whose rows come after the one that promoted this, to be woken: 2 reads."""
    image, name = rollout.image, rollout.policy.partition("/")[2]
    book = await policy_book.read(ports.rows, image.registry, image.repository)
    rows = [policy for policy in book.policies if policy.mode is not Mode.OFF and name in _named(policy)]
    return sorted({policy.app.app_key(ports.settings.subscription, image.repository) for policy in rows})
