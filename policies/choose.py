"""Which of the listed images a Tags rule takes, and why not the others: what a row would do, without a cloud.

The greatest selected image in the rule's order is chosen; `TagRule.order_key` is that order, so the answer never hangs
on the order of the list. With the running image known, nothing is chosen that is not an upgrade of it. If the best is
running already, nothing is chosen either: a caller who deploys what is printed then deploys nothing, and who wants the
greatest whatever runs asks without a running image. Where only a name is known of both images, as in a bare list of
tags for `newest`, the natural order of names decides: a guess, but the same one for every order of the list.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from policies.tags import Pushed, TagRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An image that the rule does not take."""

    image: Pushed
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The answer. chosen None: none, because. guessed: no push time was known where only that says what is newer."""

    chosen: Pushed | None
    because: str
    refused: tuple[Refused, ...] = ()
    guessed: bool = False


def choose(rule: TagRule, images: Iterable[Pushed], current: Pushed | None = None) -> Choice:
    """The image that the rule takes. current: what runs; None: nothing is known of it, so anything is an upgrade."""
    selected: list[Pushed] = []
    refused: list[Refused] = []
    for image in images:
        selection = rule.select(image.tag)
        if selection.selected:
            selected.append(image)
        else:
            refused.append(Refused(image=image, because=selection.because))
    if not selected:
        because = f"none of {_count(len(refused))} is selected by {rule.text}" if refused else "there are no tags"
        return Choice(chosen=None, because=because, refused=tuple(refused))
    best = max(selected, key=rule.order_key)
    kept = _kept(rule, best, current) if current else ""
    others = {image.tag for image in selected} - {best.tag}
    return Choice(
        chosen=None if kept else best,
        because=kept or rule.select(best.tag).because,
        refused=tuple(refused),
        guessed=not rule.by_tag and bool(others) and best.pushed_at is None,
    )


def running(rule: TagRule, images: Iterable[Pushed], tag: str, digest: str = "") -> Pushed:
    """What runs, as far as the list tells. digest "": not known, so it is taken for what the tag names now."""
    same = [image for image in images if image.tag == tag and digest in ("", image.digest)]
    listed = max(same, key=rule.order_key, default=Pushed(tag=tag, digest=digest))
    return replace(listed, digest=digest or listed.digest)


def _count(tags: int) -> str:
    return "1 tag" if tags == 1 else f"{tags} tags"


def _kept(rule: TagRule, best: Pushed, current: Pushed) -> str:
    """Why what runs stays, "" when the best replaces it."""
    known = bool(best.digest and current.digest)
    if (known and best.digest == current.digest) or (best.tag == current.tag and not known):
        return f"{current.tag} is running, and nothing that is selected is newer"
    downgrade = f"{best.tag} would be a downgrade: {current.tag} is running and newer"
    if best.tag == current.tag:
        return "" if rule.is_upgrade(best, current) else downgrade
    if not rule.by_tag:
        return "" if rule.order_key(best) > rule.order_key(current) else downgrade
    mine, theirs = rule.key(best.tag), rule.key(current.tag)
    if mine is None or theirs is None:
        return ""
    if mine != theirs:
        return "" if mine > theirs else downgrade
    if best.pushed_at and current.pushed_at and best.pushed_at > current.pushed_at:
        return ""
    return f"{best.tag} is the same as {current.tag}, which is running, and not known to be later"
