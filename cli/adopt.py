"""`weighbridge adopt GROUP/APP`: look at an app, make it ready, and write its first row. Nothing is changed unasked."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from cli import policy_table
from cli.agreed import agreed
from cli.arm import AzureSaysError
from cli.azure_app import AzureApp
from cli.first_row import FirstRow, first_row
from cli.installation import asked
from cli.preflight import Found, Means, Preflight, inspect
from cli.service import KEY, URL
from policies.errors import PolicyError
from policies.parse import parse

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

HELP = "check an app, make it ready for canaries on your yes, and write its first policy row"
ADOPTED, NOT_ADOPTED, WRONG = 0, 1, 2
SUBSCRIPTION = "WEIGHBRIDGE_SUBSCRIPTION"
_APP = re.compile(r"([\w().-]{1,90})/([a-z][a-z0-9-]{1,31})", re.ASCII)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("app", metavar="GROUP/APP", help="resource group and container app")
    parser.add_argument("--subscription", default=os.environ.get(SUBSCRIPTION, ""), help=f"or {SUBSCRIPTION}")
    parser.add_argument("--url", default="", help=f"of the installation that will roll it out; or {URL}, with {KEY}")
    parser.add_argument("--policy", default="production", help="the row's name")
    parser.add_argument("--observe", action="store_true", help="the row only says what it would have done")
    parser.add_argument("--yes", action="store_true", help="run the commands and write the row without asking")
    parser.add_argument("--dry-run", action="store_true", help="only look and say")
    parser.add_argument("--print-az", action="store_true", help="print the row as an az command instead of writing it")
    parser.epilog = (
        "Exits 0 when the app is adopted, 1 when it is not, 2 when Azure or the arguments do not allow to ask."
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 when adopted, 1 when not, 2 for what cannot be asked."""
    match = _APP.fullmatch(args.app)
    if match is None or not args.subscription:
        wanted = "GROUP/APP as in rg-shop/ca-web" if match is None else f"--subscription or {SUBSCRIPTION}"
        print(f"adopt: expected {wanted}, found {args.app!r}", file=sys.stderr)
        return WRONG
    group, name = match.groups()
    app = AzureApp(args.subscription, group, name)
    try:
        body, revisions = app.read()
        seen = inspect(body, revisions)
        signs_in = app.signed_in_users()
    except AzureSaysError as error:
        print(f"adopt: {error}", file=sys.stderr)
        return WRONG
    _show(args.app, seen, asked(args.url, args.app), signs_in=signs_in)
    containers = ((body.get("properties") or {}).get("template") or {}).get("containers") or []
    row = first_row(group, name, containers, ingress=seen.ingress, tcp=seen.tcp, observe=args.observe)
    if isinstance(row, str) or seen.stops:
        why = row if isinstance(row, str) else "; ".join(f"{one.what}: {one.then}" for one in seen.stops)
        print(f"\nnot adopted: {why}")
        return NOT_ADOPTED
    return _adopt(args, app, seen, row)


def _show(name: str, seen: Preflight, more: Sequence[Found], *, signs_in: bool | None) -> None:
    findings = [*seen.findings, *more]
    if signs_in is None:
        then = "look at Authentication in the portal: a probe is not signed in"
        findings.append(Found(what="sign-in", means=Means.NOTE, said="could not be asked", then=then))
    elif signs_in:
        then = "probes are not signed in: probe a path that is open, or expect 401"
        findings.append(Found(what="sign-in", means=Means.NOTE, said="the platform signs users in", then=then))
    width = max(len(one.what) for one in findings)
    print(name)
    for one in findings:
        print(f"  {one.means:<6}  {one.what:<{width}}  {one.said}{f'; {one.then}' if one.then else ''}")


def _by_hand(app: AzureApp, named: str, seen: Preflight) -> list[str]:
    """What a person would run to make it ready. Each line may be the last: the app serves as before."""
    group, _, name = named.partition("/")
    changes = {one.what for one in seen.findings if one.means is Means.CHANGE}
    target = f"-g {group} -n {name}"
    mode = f"az containerapp revision set-mode {target} --mode multiple"
    pin = f"az containerapp ingress traffic set {target} --revision-weight {seen.stable}=100"
    if not {"mode", "traffic"} <= changes:
        return [f"  {mode if 'mode' in changes else pin}"] if changes else []
    address, body = app.ready_write(seen.stable)
    return [
        f"  az rest --method patch --url '{address}' --body '{body}'",
        "or in two, in this order (Azure takes no weights in Single mode) and while nobody deploys in between:",
        f"  {mode}",
        f"  {pin}",
    ]


def _adopt(args: argparse.Namespace, app: AzureApp, seen: Preflight, row: FirstRow) -> int:
    by_hand = _by_hand(app, args.app, seen)
    if by_hand:
        print("\nmakes it ready, here in one write, so that no new revision can take the traffic in between; by hand:")
        print("\n".join(by_hand))
    print(f"\nfirst row: {row.partition} / {args.policy}")
    for column, cell in row.columns.items():
        print(f"  {column:<10}{cell}")
    for reason in row.because:
        print(f"  because   {reason}")
    try:
        parse(row.partition, args.policy, row.columns, None)
    except PolicyError as error:
        print(f"\nnot adopted: {error}")
        return NOT_ADOPTED
    if args.dry_run:
        print("\nnothing was changed: --dry-run")
        return NOT_ADOPTED
    if not args.yes and not agreed():
        print("\nnothing was changed")
        return NOT_ADOPTED
    return _do(args, app, seen, row)


def _do(args: argparse.Namespace, app: AzureApp, seen: Preflight, row: FirstRow) -> int:
    """The app first, then the row: stopped in between, the app serves as before and nothing acts on it."""
    try:
        if any(one.means is Means.CHANGE for one in seen.findings):
            app.make_ready(seen.stable, ingress=seen.ingress and bool(seen.stable))
            print(f"\ndone: Multiple mode{f', {seen.stable} pinned at 100 %' if seen.ingress and seen.stable else ''}")
        if args.print_az:
            print(policy_table.as_az(row.partition, args.policy, row.columns))
        else:
            policy_table.insert(row.partition, args.policy, row.columns)
            print(f"done: the row {row.partition} / {args.policy} is written")
    except (AzureSaysError, policy_table.TableError) as error:
        print(f"\nnot adopted: {error}", file=sys.stderr)
        return NOT_ADOPTED
    if args.observe:
        print("\nIt watches now: each push is told as `would have`. After a week, set Mode to on.")
    return ADOPTED
