"""Simulations and comparisons as people and programs read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from policies.compare import Change, Fate
from policies.errors import printable
from policies.evaluate import short
from policies.happenings import Happening, Simulated
from policies.render import moment
from rollouts.model import Image


def by_row(simulated: Simulated, keys: Iterable[str]) -> str:
    """Every row with what happened by it, in order of time, and how its images stand in the end."""
    found: dict[str, list[Happening]] = {key: [] for key in keys}
    for one in simulated.happenings:
        found.setdefault(one.policy, []).append(one)
    return "\n\n".join("\n".join(_row(key, happened)) for key, happened in found.items())


def _row(key: str, happened: Sequence[Happening]) -> list[str]:
    if not happened:
        return [key, "  nothing in this history is about it"]
    labels = [label(key, one.image) for one in happened]
    wide, words = max(map(len, labels)), max(len(one.what) for one in happened)
    lines = [
        f"  {moment(one.at)}  {name.ljust(wide)}  {one.what.ljust(words)}  {printable(one.because)}"
        for one, name in zip(happened, labels, strict=True)
    ]
    return [key, *lines, f"  in the end: {_ends(happened)}"]


def _ends(happened: Sequence[Happening]) -> str:
    last = {(one.image.repository, one.image.tag, one.image.digest): one.what for one in happened}
    return ", ".join(f"{times} {what}" for what, times in Counter(last.values()).items())


def label(key: str, image: Image) -> str:
    """The image as it is known within a row: with its repository where the row is about several."""
    name = image.tag or short(image.digest)
    return f"{image.repository} {name}" if key.partition("/")[0].endswith("|*") else name


def changes(found: Sequence[Change]) -> str:
    """Every change with both fates below it."""
    if not found:
        return "no image fares otherwise"
    lines: list[str] = []
    row = ""
    for change in found:
        if change.policy != row:
            row = change.policy
            lines += ["", row]
        name = label(change.policy, change.image)
        digest = f" ({short(change.image.digest)})" if change.image.tag else ""
        lines.append(f"  {name}{digest}: {change.what}")
        lines += [f"    before  {_fate(change.before)}", f"    after   {_fate(change.after)}"]
    count = "1 image fares" if len(found) == 1 else f"{len(found)} images fare"
    return "\n".join([*lines[1:], "", f"{count} otherwise"])


def _fate(fate: Fate | None) -> str:
    return printable(fate.text) if fate else "there is no such row"


def happening_fields(one: Happening) -> dict[str, object]:
    """One happening as JSON types."""
    return {
        "at": one.at.isoformat(),
        "what": one.what.value,
        "policy": one.policy,
        "image": _image(one.image),
        "because": one.because,
    }


def change_fields(change: Change) -> dict[str, object]:
    """One change as JSON types."""
    return {
        "policy": change.policy,
        "image": _image(change.image),
        "what": change.what,
        "before": _fate_fields(change.before),
        "after": _fate_fields(change.after),
    }


def _fate_fields(fate: Fate | None) -> dict[str, object] | None:
    if fate is None:
        return None
    started = fate.started.isoformat() if fate.started else None
    return {"ships_at": started, "last": happening_fields(fate.last), "text": fate.text}


def _image(image: Image) -> dict[str, object]:
    return {
        "registry": image.registry,
        "repository": image.repository,
        "tag": image.tag or None,
        "digest": image.digest,
    }
