"""Before `azd down`: takes back what connect.py made, which azd knows nothing of, and leaves no app half way.

An app keeps the traffic it has at that moment, for nobody moves it any more; so this stops while any app is busy.
`WEIGHBRIDGE_DOWN=anyway` goes on all the same.
"""

from __future__ import annotations

import os
import sys

from infra.hooks.az import AzError, Stop, az, needed, run, say
from infra.hooks.connect import registry, topic

MOST = 20  # busy apps that are named


def busy() -> list[str]:
    """Apps with a live rollout or something to retire, out of the table `active`."""
    rows = az(
        *("storage", "entity", "query", "--account-name", needed("AZURE_STORAGE_ACCOUNT_NAME"), "--auth-mode", "login"),
        *("--table-name", "active", "--num-results", "200"),
    )
    return sorted(str(row["RowKey"]).rpartition("|")[2] for row in rows["items"])


def leave_nobody_half_way() -> None:
    if os.environ.get("WEIGHBRIDGE_DOWN") == "anyway":
        return
    apps = busy()
    if apps:
        named = ", ".join(apps[:MOST]) + (", …" if len(apps) > MOST else "")
        how = "let these end or abort them (docs/deploy.md, Taking it down), or set WEIGHBRIDGE_DOWN=anyway"
        raise Stop(f"expected no app on its way, found {len(apps)}: {named}; {how}")


def forget_events() -> None:
    """The subscription to pushes, and the system topic if it is ours and nobody else's."""
    of = registry()
    group = of.id.split("/")[4]
    told = topic(of)
    try:
        az("eventgrid", "system-topic", "event-subscription", "delete", "--yes", *_in(group, told.name, "weighbridge"))
        others = az("eventgrid", "system-topic", "event-subscription", "list", *_in(group, told.name))
    except AzError as error:
        say(f"events: nothing to take back ({str(error).splitlines()[0] if str(error) else 'no reason given'})")
        return
    if told.made and not others:
        az("eventgrid", "system-topic", "delete", "--yes", "--resource-group", group, "--name", told.name)


def _in(group: str, topic_name: str, name: str = "") -> list[str]:
    named = ["--name", name] if name else []
    return ["--resource-group", group, "--system-topic-name", topic_name, *named]


def _who() -> list[str]:
    return ["--assignee", needed("WEIGHBRIDGE_IDENTITY")]


def give_rights_back() -> None:
    """Every assignment of the identity, then the two roles: a role that is assigned cannot be deleted."""
    assigned = az("role", "assignment", "list", "--all", "--fill-principal-name", "false", *_who())
    if assigned:
        az("role", "assignment", "delete", "--ids", *(str(one["id"]) for one in assigned))
    for name in ("WEIGHBRIDGE_OPERATOR_ROLE", "WEIGHBRIDGE_OPERATIONS_ROLE"):
        az("role", "definition", "delete", "--name", needed(name))


def main() -> None:
    if not os.environ.get("AZURE_STORAGE_ACCOUNT_NAME"):
        say("nothing was connected")
        return
    leave_nobody_half_way()
    forget_events()
    give_rights_back()
    say("disconnected; what `azd down` deletes next is its own resource group")


if __name__ == "__main__":
    sys.exit(run(main))
