"""docs/deploy.md and docs/verified.md name what there is."""

from __future__ import annotations

import json
import re

import pytest

from scripts.check_infra.bicep import read
from tests.source import ROOT, text

PAGES = ("deploy", "permissions", "settings", "verified")
PAGE = text("docs/deploy.md")


def anchors(page: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text(f"docs/{page}.md")):
        found = f"docs/{target}" if target else f"docs/{page}.md"
        assert (ROOT / found).is_file(), target
        assert not anchor or anchor in anchors(found), (target, anchor)


def test_every_setting_of_the_deployment_is_listed_with_its_default():
    parameters = json.loads(text("infra/main.parameters.json"))["parameters"].values()
    values = [entry["value"] for entry in parameters if isinstance(entry["value"], str)]
    read_by_azd = dict(re.findall(r"\$\{(WEIGHBRIDGE_\w+)=([^}]*)\}", " ".join(values)))
    hook = text("infra/hooks/connect.py")
    lists = re.findall(r'(?:listed|pairs)\("(WEIGHBRIDGE_\w+)"\)', hook)
    read_by_hook = dict(re.findall(r'switch\("(WEIGHBRIDGE_\w+)", "(\w+)"', hook)) | dict.fromkeys(lists, "")
    part = PAGE.split("\n## Settings of the deployment\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`)? ?\| .+ \|$", part, re.MULTILINE)
    assert dict(rows) == read_by_azd | read_by_hook
    assert len(rows) == len(dict(rows))


def test_what_the_page_takes_from_the_deployment_it_tells():
    told = set(read(ROOT / "infra" / "main.bicep", "main").outputs) | {"WEIGHBRIDGE_KEY"}
    used = set(re.findall(r"\$((?:AZURE|WEIGHBRIDGE)_\w+)", PAGE + text("docs/verified.md")))
    assert used <= told, used - told


def test_the_files_it_names_are_there():
    for page in PAGES:
        for name in re.findall(r"`((?:infra|tests|docs)/[\w./-]+)`", text(f"docs/{page}.md")):
            assert (ROOT / name).exists(), name
    for name in re.findall(r"pytest (tests/\S+?)`", text("docs/verified.md")):
        assert (ROOT / name).is_file(), name


def test_the_number_of_planted_mistakes_is_the_one_told():
    from tests.infra.test_check_infra import MISTAKES  # noqa: PLC0415 - only its length

    assert f"{len(MISTAKES)} planted mistakes" in text("docs/verified.md")
