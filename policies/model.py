"""Policy: a row of the `policies` table with every blank filled in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.gate import Rule
from policies.patterns import glob_matches
from policies.tags import OrderKey, Pushed, TagRule
from rollouts.model import Image, Mode, Plan

NAME = "{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRef:
    """The App cell: `<group>/<app>` or a resource id, in which `{name}` is the repository's last part."""

    text: str

    def named(self, repository: str) -> str:
        """The cell with the repository's name filled in, for people."""
        return self.text.replace(NAME, repository.rpartition("/")[2])

    def resource_id(self, subscription: str, repository: str) -> str:
        """The full resource id. subscription: where `<group>/<app>` is looked up."""
        filled = self.named(repository)
        if filled.startswith("/"):
            return filled
        group, _, app = filled.partition("/")
        return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.App/containerApps/{app}"

    def app_key(self, subscription: str, repository: str) -> str:
        """PartitionKey of the app's rows: the resource id in lower case, `|` for `/`."""
        return self.resource_id(subscription, repository).lower().replace("/", "|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which images of a repository go to which app, how fast, and what healthy means.

    key: `<partition>/<row key>`. repository: exact, or a glob in a pattern row. container "": the one that runs
    the repository now. version: changes exactly when a cell does that counts for what ships, the defaults row's too.
    gates: what must be open before it starts, beside what is asked of every image. takes: all bakes together.
    """

    key: str
    registry: str
    repository: str
    name: str
    app: AppRef
    container: str
    tags: TagRule
    plan: Plan
    mode: Mode
    version: str
    gates: tuple[Rule, ...] = ()
    takes: timedelta = timedelta()

    def covers(self, registry: str, repository: str) -> bool:
        """Whether the row is about this repository."""
        return registry.lower() == self.registry and glob_matches(self.repository, repository)

    def selects(self, image: Image) -> bool:
        """Whether the row takes this image, going by its repository and tag alone."""
        return self.covers(image.registry, image.repository) and self.tags.select(image.tag).selected


def order_key(policy: Policy, image: Image, pushed_at: datetime | None) -> OrderKey:
    """Sorts images of rows whose `tags.lane` is the same; the greatest ships."""
    return policy.tags.order_key(Pushed(tag=image.tag, digest=image.digest, pushed_at=pushed_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """An image that a row has selected for an app."""

    policy: Policy
    image: Image
    pushed_at: datetime | None

    def outranks(self, other: Contender) -> bool:
        """Whether this image is the newer one. Images of rows that order differently cannot be compared: False."""
        if self.policy.tags.lane != other.policy.tags.lane or self.image.digest == other.image.digest:
            return False
        mine = order_key(self.policy, self.image, self.pushed_at)
        theirs = order_key(other.policy, other.image, other.pushed_at)
        return mine > theirs
