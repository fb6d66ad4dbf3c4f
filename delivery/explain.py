"""Why did this image (not) ship? The true answer of the installation: what became of it, and what every gate says now.

Answered also for an image that was never offered: then the rows say why they did not select it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from delivery import codec, image_reference, known, names, observe, policy_book, state, told_tags
from delivery.reading import ask
from policies import explain
from policies.explain import Explained, is_about
from policies.render import moment
from rollouts.findings import Answer, Finding, all_of
from rollouts.model import Image, Rollout
from rollouts.seen import Unknown

if TYPE_CHECKING:
    from delivery.policy_book import Book
    from delivery.ports import Ports
    from policies.model import Policy

Json = dict[str, object]
MOST_ROWS = 20  # rows that are answered: each asks Azure about its app


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The image that is asked about, as far as the question and the registry name it."""

    image: Image
    note: str = ""  # what could not be found out about it


async def why(ports: Ports, reference: str) -> Json:
    """Every row's answer for an image. Raises `Malformed` for a reference that names none.

    The registry is asked what a tag names now; each row's app is looked at: 2 GETs.
    """
    asked = await _asked(ports, reference)
    image = asked.image
    book = await policy_book.read(ports.rows, image.registry, image.repository)
    rows = sorted(book.policies, key=lambda policy: policy.key)
    answers = [await _answer(ports, policy, book, image) for policy in rows[:MOST_ROWS]]
    answers += [
        {**explain.as_fields(explain.broken(error)), "before": []}
        for key, error in sorted(book.broken.items())
        if is_about(key, image)
    ]
    left_out = len(rows) - MOST_ROWS
    notes = [asked.note, f"{left_out} more rows are about this repository" if left_out > 0 else ""]
    return {
        "image": {
            "registry": image.registry,
            "repository": image.repository,
            "tag": image.tag or None,
            "digest": image.digest or None,
        },
        "at": ports.clock.now().isoformat(),
        "notes": [note for note in (*notes, "" if answers else f"no row is about {image.repository}") if note],
        "policies": answers,
    }


async def _asked(ports: Ports, reference: str) -> Asked:
    image = image_reference.read(reference)
    registry, repository, tag = image.registry, image.repository, image.tag
    if image.digest:
        return Asked(image=replace(image, tag=tag or next(iter(await told_tags.of(ports, image)), "")))
    found = await ask(ports.registry.digest(registry, repository, tag))
    if isinstance(found, Unknown):
        return Asked(image=image, note=f"cannot tell what {tag} names: {found.because}")
    return Asked(image=replace(image, digest=found or ""), note="" if found else f"the registry has no tag {tag}")


async def _answer(ports: Ports, policy: Policy, book: Book, image: Image) -> Json:
    """What this row did with the image, and what its gates say of it now, with the app looked at."""
    key = policy.app.app_key(ports.settings.subscription, image.repository)
    app = (await state.load(ports.rows, key)).app
    present = (*app.waiting, *((app.live,) if app.live else ()))
    mine = next((r for r in present if r.image.digest == image.digest and r.policy == policy.key), None)
    seen, gone = await observe.look(ports, app)
    now = ports.clock.now()
    if gone:
        gate = Finding(gate="app", answer=Answer.CLOSED, because=gone)
        said = Explained(
            key=policy.key, app=policy.app.named(image.repository), mode=policy.mode, finding=all_of("gates", (gate,))
        )
    else:
        asked = mine or Rollout(n=0, image=image, policy=policy.key, offered_at=now, pushed_at=now)
        said = explain.explain(policy, image, await known.gather(ports, app, asked, policy, book, seen), now)
    before = await _ended(ports, key, policy, image)
    return {**explain.as_fields(said), "before": [*before, *([_now(mine)] if mine else [])]}


def _now(rollout: Rollout) -> str:
    return f"rollout {rollout.n} is {rollout.phase.replace('_', ' ')}: {rollout.because}"


async def _ended(ports: Ports, key: str, policy: Policy, image: Image) -> list[str]:
    """How rollouts of this digest by this row ended, from the history, oldest first."""
    found: list[str] = []
    for row in await ports.rows.scan(names.ROLLOUTS, key, first="rollout:", last="rollout:" + names.LAST):
        if row.columns.get("digest") != image.digest:
            continue
        past = codec.decode_rollout(row)
        if past.policy == policy.key and past.finished_at is not None:
            phase = past.phase.replace("_", " ")
            found.append(f"rollout {past.n} {phase} at {moment(past.finished_at)}: {past.because}")
    return found
