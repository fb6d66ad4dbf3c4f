"""Rollouts and apps on one line each, from the service's JSON. Whatever it holds is printed as one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.errors import printable

if TYPE_CHECKING:
    from cli.service import Json

_SHORT = len("sha256:") + 12
_GROUP, _APP = 4, 8  # parts of a resource id, which begins with a slash


def app_name(resource: str) -> str:
    """`<group>/<app>`, as a person names it."""
    parts = resource.split("/")
    return printable(f"{parts[_GROUP]}/{parts[_APP]}" if len(parts) == _APP + 1 else resource)


def short(digest: str) -> str:
    """A digest as messages show it."""
    return f"{digest[:_SHORT]}…" if len(digest) > _SHORT else digest


def image(rollout: Json) -> str:
    """What it rolls out."""
    return printable(f"{rollout['image']} ({short(str(rollout['digest']))})")


def doing(rollout: Json) -> str:
    """Where it is: `baking at 5 %, step 1 of 4`."""
    phase = str(rollout["phase"]).replace("_", " ")
    steps = rollout["steps"]
    where = f" at {rollout['weight']} %, step {int(rollout['step']) + 1} of {steps}" if phase == "baking" else ""
    return printable(f"{phase}{where}")


def told(rollout: Json) -> str:
    """Where it is, why, and for whom it waits."""
    needs = rollout["needs"]
    asks = f"; a person must say {', '.join(needs[:-1])} or {needs[-1]}" if needs else ""
    because = str(rollout["because"])
    # Its own words for serving a bake say less than where it is, and for a moment after a step still the step before.
    why = f": {because}" if because and not because.startswith("baking at ") else ""
    return f"{doing(rollout)}{printable(why)}{printable(asks)}"


def line(rollout: Json) -> str:
    """All of it that matters on one line."""
    if "problem" in rollout:
        return printable(str(rollout["problem"]))
    observes = " (observe)" if rollout["mode"] == "observe" else ""
    return f"{rollout['n']:>4}  {image(rollout)}{observes}  {told(rollout)}"


def stable(app: Json) -> str:
    """What the users have."""
    found = app["stable"]
    if not found:
        return "nothing is recorded as stable"
    what = found.get("tag") or short(str(found.get("digest") or "")) or "an image of no known tag"
    return printable(f"{what} is stable, in {found['revision']}")


def kept(app: Json) -> list[str]:
    """Who holds or pins the app, a line each."""
    held, pin = app["hold"], app["pin"]
    until = f" until {held['until']}" if held and held.get("until") else ""
    lines = [f"held{until}: {held['because']}"] if held else []
    lines += [f"pinned to {pin['tag'] or short(str(pin['digest']))}: {pin['because']}"] if pin else []
    return [printable(f"      {each}") for each in lines]
