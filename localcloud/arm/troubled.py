"""The answer to a request that an order of trouble met."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from localcloud.arm.calls import Reply
from localcloud.arm.errors import in_progress, internal, locked
from localcloud.arm.limits import refusal
from localcloud.arm.trouble import Kind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from localcloud.arm.calls import Call
    from localcloud.arm.errors import ArmError
    from localcloud.arm.trouble import Trouble, Troubles


async def troubled(
    call: Call, trouble: Trouble, troubles: Troubles, answer: Callable[[Call], Awaitable[Reply]]
) -> Reply | None:
    """The answer under trouble; None when the client is to get none. answer: that of a request without any."""
    match trouble.kind:
        case Kind.CONFLICT | Kind.LOCKED | Kind.THROTTLED | Kind.ERROR:
            error = _refusal(call, trouble)
            return Reply(status=error.status, body=error.body, headers=error.headers)
        case Kind.LOST:
            await answer(call)
            error = internal(str(trouble.id))
            return Reply(status=error.status, body=error.body)
        case Kind.CUT:
            await answer(call)
            return None
        case Kind.HANG:
            await troubles.freed.wait()
            return None
        case Kind.HELD:
            with contextlib.suppress(asyncio.CancelledError):  # cleared: it never lands
                return await troubles.hold(call).reply
            return None
        case Kind.SLOW:
            return await answer(replace(call, slow=trouble.seconds))
        case Kind.FAIL:
            return await answer(replace(call, fails="Operation expired."))
        case _:
            assert_never(trouble.kind)


def _refusal(call: Call, trouble: Trouble) -> ArmError:
    app = call.path.rpartition("/")[2]
    match trouble.kind:
        case Kind.CONFLICT:
            return in_progress(app, "00000000-0000-0000-0000-000000000000")
        case Kind.LOCKED:
            return locked(app)
        case Kind.THROTTLED:
            return refusal(call, max(1, round(trouble.seconds)))
        case _:
            return internal(str(trouble.id))
