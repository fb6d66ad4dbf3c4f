"""Recorded conversations with Azure Resource Manager: read from the JSON of our fixtures or the YAML of vcrpy."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

Interaction = dict[str, Any]
MANAGEMENT = "https://management.azure.com"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"  # of all that the Azure CLI records
_REGIONAL = re.compile(r"https://[a-z0-9]+\.management\.azure\.com(?=/)")  # recorded of brazilsouth in 2022
_FIXTURES = Path(__file__).parent / "fixtures"
# Said by what stands before the provider, in some years and regions: of no interest to who asks the provider.
OF_THE_FRONT = frozenset(
    {
        *(
            "x-cache",
            "x-ms-failure-cause",
            "x-ms-throttling-version",
            "x-msedge-ref",
            "x-ms-operation-identifier",
            "x-ms-correlation-request-id",
            "x-ms-request-id",
        ),
        *("x-ms-routing-request-id", "request-context", "mise-correlation-id", "connection"),
        *(f"x-ms-ratelimit-remaining-subscription-global-{kind}" for kind in ("reads", "writes", "deletes")),
    }
)


class UnreadableError(Exception):
    """A file that is no recording. The message names it and says what was found."""


def recording(name: str) -> list[Interaction]:
    """The conversation of a fixture."""
    return read(_FIXTURES / f"{name}.json")


def read(path: Path) -> list[Interaction]:
    """Requests with their method, uri and body, responses with status, headers and body; bodies as JSON where they are.

    Raises:
        UnreadableError: it is neither form.
    """
    try:
        text = path.read_text()
        file = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=yaml.CSafeLoader)
        return [_interaction(one) for one in file["interactions"]]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UnreadableError(f"{path}: expected a recording, found {type(error).__name__}: {error}") from error


def files(paths: list[Path]) -> list[Path]:
    """Recordings among these files and in these folders, by name."""
    found = [sorted([*path.rglob("*.yaml"), *path.rglob("*.json")]) if path.is_dir() else [path] for path in paths]
    return [file for group in found for file in group]


def provider(one: Interaction) -> str:
    """The namespace it asks, in lower case; "" outside one, and the host where that is not Azure Resource Manager."""
    uri: str = one["request"]["uri"]
    if not uri.startswith(MANAGEMENT):
        return uri.split("/")[2]
    return uri.partition("?")[0].lower().rpartition("/providers/")[2].split("/")[0] if "/providers/" in uri else ""


def _interaction(one: dict[str, Any]) -> Interaction:
    request, response = one["request"], one["response"]
    status = response["status"]
    headers = {name.lower(): _first(value) for name, value in response["headers"].items()}
    return {
        "request": {"method": request["method"], "uri": _global(request["uri"]), "body": _json(request["body"])},
        "response": {
            "status": status["code"] if isinstance(status, dict) else status,
            "headers": {name: value for name, value in headers.items() if name not in OF_THE_FRONT},
            "body": _json(response["body"]),
        },
    }


def _global(uri: str) -> str:
    """A region's own endpoint answers as the one for all does."""
    return _REGIONAL.sub(MANAGEMENT, uri)


def _first(value: object) -> str:
    return str(value[0] if isinstance(value, list) and value else value)


def _json(body: object) -> Any:
    """vcrpy keeps a response's body under `string`, and every body as text."""
    text = body.get("string", body) if isinstance(body, dict) and set(body) <= {"string", "encoding"} else body
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
