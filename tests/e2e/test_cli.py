"""An app is run from a terminal alone: its row written, an image offered that no event brought, waited for, stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localcloud import samples
from tests.e2e.terminal import weighbridge

if TYPE_CHECKING:
    from scripts.demo.stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]
NAME = "ca-cli"
REPOSITORY = "shop/cli"
CELLS = """\
  Steps: 10% for 2s, 100% for 2s
  Checks: probe /healthz; restarts == 0; errors <= stable + 1%
"""


async def test_from_a_row_as_code_to_the_end_of_a_pipeline(stage: Stage) -> None:
    server, app = stage.at["login_server"], f"{stage.at['resource_group']}/{NAME}"
    await stage.push("1.0.0", samples.good("1.0.0"), repository=REPOSITORY)
    await stage.create_app("1.0.0", name=NAME, repository=REPOSITORY)
    good = await stage.push("1.1.0", samples.good("1.1.0"), repository=REPOSITORY)

    keys = f"- PartitionKey: {server}|shop|cli\n  RowKey: production\n"
    code, said = await weighbridge(stage, "policy", "apply", "-", "--yes", given=f"{keys}  App: {app}\n  Steps: 5,25\n")
    assert (code, "Steps: expected" in said, said.splitlines()[-1]) == (1, True, "nothing was written"), said
    code, said = await weighbridge(stage, "policy", "apply", "-", "--yes", given=f"{keys}  App: {app}\n{CELLS}")
    assert (code, said.splitlines()[-1]) == (0, "1 of 1 written"), said
    code, said = await weighbridge(stage, "policy", "get", f"{server}/shop/cli/production")
    assert (code, "Steps: 10% for 2s, 100% for 2s" in said) == (0, True), said

    code, said = await weighbridge(stage, "offer", f"{server}/{REPOSITORY}:1.1.0")
    assert (code, said) == (0, f"{server}/{REPOSITORY}:1.1.0@{good}: offered to {app}\n")
    async with stage.users(40, name=NAME):
        image = f"{server}/{REPOSITORY}:1.1.0@{good}"
        code, said = await weighbridge(stage, "wait", "--image", image, "--timeout", "3m")
        assert (code, said.splitlines()[-1]) == (0, f"{image}: promoted"), said

        bad = await stage.push("1.9.9", samples.bad("1.9.9", 0.5), repository=REPOSITORY)
        image = f"{server}/{REPOSITORY}:1.9.9@{bad}"
        code, said = await weighbridge(stage, "wait", "--image", image, "--timeout", "3m")
        assert (code, said.splitlines()[-1]) == (1, f"{image}: rolled back"), said

    await weighbridge(stage, "apps")
    await weighbridge(stage, "rollouts", app)
    await weighbridge(stage, "rollouts", app, "1")
    await weighbridge(stage, "policy", "export")
    await weighbridge(stage, "policy", "set", f"{server}/shop/cli/production", "Scan=critical=0", "--yes")
    await weighbridge(stage, "policy", "set", f"{server}/shop/cli/production", "Scan=critical 0", "--dry-run")
    await weighbridge(stage, "switch", "stop", "--comment", "4711")
    await weighbridge(stage, "switch", "go")
    await weighbridge(stage, "why", f"{server}/{REPOSITORY}:1.9.9")
    code, said = await weighbridge(stage, "order", app, "hold", "--for", "1h", "--comment", "4711", "--yes")
    assert (code, said.splitlines()[-1]) == (0, "done"), said
    code, said = await weighbridge(stage, "order", app, "release", "--yes")
    assert (code, "held until " in said) == (0, True), said
