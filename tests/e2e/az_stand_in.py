"""The commands of docs/walkthrough.md without the Azure CLI: the same requests to the same addresses, nothing else.

`make test-az` walks the page with the real one. A command or a query that this does not know is an error, so that the
page cannot say more than is run.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

GROUPS = f"/subscriptions/{os.environ['LOCALCLOUD_SUBSCRIPTION']}/resourceGroups"
ACR = "providers/Microsoft.ContainerRegistry"
QUERIES: dict[str, Callable[[Any], Any]] = {
    "": lambda found: found,
    "reason": lambda found: found["reason"],
    "max_by([], &creationDate).name": lambda found: max(found, key=lambda r: r["properties"]["creationDate"])["name"],
    "adminUserEnabled": lambda found: str(found["properties"]["adminUserEnabled"]).lower(),
    "properties.provisioningState": lambda found: found["properties"]["provisioningState"],
    "properties.configuration.ingress.fqdn": lambda found: found["properties"]["configuration"]["ingress"]["fqdn"],
    "[].name": lambda found: "\n".join(one["name"] for one in found),
    "[?properties.trafficWeight==`100`].name": lambda found: "\n".join(
        one["name"] for one in found if one["properties"]["trafficWeight"] == 100
    ),
}


def send(method: str, path: str, body: object = None) -> tuple[int, Message, Any]:
    url = path if path.startswith("http") else f"{os.environ['LOCALCLOUD_ARM_HTTP']}{path}?api-version=2025-07-01"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        return answer.status, answer.headers, json.loads(answer.read() or b"null")


def ask(method: str, path: str, body: object = None) -> Any:
    """One request; waits for the end of the operation that it began."""
    status, headers, found = send(method, path, body)
    operation, location = headers.get("azure-asyncoperation", ""), headers.get("location", "")
    deadline = time.monotonic() + 30
    while operation and (state := send("GET", operation)[2])["status"] != "Succeeded":
        if state["status"] == "Failed" or time.monotonic() > deadline:
            sys.exit(f"az stand-in: {method} {path}: {state}")
        time.sleep(0.1)
    while location and not operation and status == 202 and time.monotonic() < deadline:
        time.sleep(0.1)
        status, _, _ = send("GET", location)
    return found


def app(o: dict[str, str]) -> str:
    return f"{GROUPS}/{o['resource-group']}/providers/Microsoft.App/containerApps/{o['name']}"


def change(o: dict[str, str], configuration: dict[str, Any]) -> Any:
    ask("PATCH", app(o), {"properties": {"configuration": configuration}})
    return ask("GET", app(o))


def create(o: dict[str, str]) -> Any:
    place = f"{GROUPS}/{o['resource-group']}/providers/Microsoft.App/managedEnvironments/{o['environment']}"
    ingress = {"external": o["ingress"] == "external", "targetPort": int(o["target-port"])}
    template = {"containers": [{"name": o["name"], "image": o["image"]}]}
    properties = {"environmentId": place, "configuration": {"ingress": ingress}, "template": template}
    ask("PUT", app(o), {"location": "eastus", "properties": properties})
    return ask("GET", app(o))


def add_label(o: dict[str, str]) -> Any:
    entries = ask("GET", app(o))["properties"]["configuration"]["ingress"]["traffic"]
    for entry in entries:
        if entry.get("revisionName") == o["revision"]:
            entry["label"] = o["label"]
    return change(o, {"ingress": {"traffic": entries}})


def environment(o: dict[str, str]) -> Any:
    place = f"{GROUPS}/{o['resource-group']}/providers/Microsoft.App/managedEnvironments/{o['name']}"
    ask("PUT", place, {"location": o["location"], "properties": {}})
    return ask("GET", place)


def registries() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask("GET", f"{GROUPS.removesuffix('/resourceGroups')}/{ACR}/registries")["value"]
    return found


def tags(o: dict[str, str]) -> Any:
    found = ask("GET", f"http://{os.environ['LOCALCLOUD_REGISTRY']}/acr/v1/{o['repository']}/_tags")
    return "\n".join(tag["name"] for tag in found["tags"])


def secret(o: dict[str, str]) -> Any:
    name, _, value = o["secrets"].partition("=")
    return change(o, {"secrets": [{"name": name, "value": value}]})


SUBSCRIPTION = GROUPS.removesuffix("/resourceGroups")
COMMANDS: dict[str, Callable[[dict[str, str]], Any]] = {
    "cloud register": lambda _: ask("GET", f"{os.environ['LOCALCLOUD_ARM_HTTP']}/subscriptions?api-version=2022-12-01"),
    "cloud set": lambda _: None,
    "login": lambda _: None,
    "group create": lambda o: ask("PUT", f"{GROUPS}/{o['name']}", {"location": o["location"]}),
    "group delete": lambda o: ask("DELETE", f"{GROUPS}/{o['name']}"),
    "group exists": lambda o: str(any(g["name"] == o["name"] for g in ask("GET", GROUPS)["value"])).lower(),
    "provider register": lambda o: ask("POST", f"{SUBSCRIPTION}/providers/{o['namespace']}/register"),
    "acr check-name": lambda o: ask("POST", f"{SUBSCRIPTION}/{ACR}/checkNameAvailability", {"name": o["name"]}),
    "acr list": lambda _: registries(),
    "acr repository show-tags": tags,
    "acr update": lambda o: next(
        ask("PATCH", r["id"], {"properties": {"adminUserEnabled": o["admin-enabled"] == "true"}})
        for r in registries()
        if r["name"] == o["name"]
    ),
    "containerapp env create": environment,
    "containerapp create": create,
    "containerapp revision list": lambda o: ask("GET", f"{app(o)}/revisions")["value"],
    "containerapp revision label add": add_label,
    "containerapp secret set": secret,
    "containerapp secret list": lambda o: ask("GET", app(o))["properties"]["configuration"]["secrets"],
}


def main(arguments: list[str]) -> int:
    """Words, then options: `--name value`, or `--yes` alone."""
    first = next((n for n, one in enumerate(arguments) if one.startswith("--")), len(arguments))
    options: dict[str, str] = {}
    name = ""
    for one in arguments[first:]:
        name = one.removeprefix("--") if one.startswith("--") else name
        options[name] = "" if one.startswith("--") else one
    command, query = COMMANDS.get(" ".join(arguments[:first])), QUERIES.get(options.get("query", ""))
    if command is None or query is None:
        sys.stderr.write(f"az stand-in: expected a command and a query of the page, found {arguments}\n")
        return 2
    try:
        found = query(command(options))
    except urllib.error.HTTPError as error:
        sys.stderr.write(f"az stand-in: {' '.join(arguments[:first])}: {error} {error.read().decode()}\n")
        return 1
    if options.get("output") == "tsv":
        sys.stdout.write(f"{found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
