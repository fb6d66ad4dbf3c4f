"""Lists: a page of them, and where the next one is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from localcloud.arm.calls import Reply
from localcloud.arm.errors import unsupported
from localcloud.eventgrid.arm.reading import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.arm.calls import Call
    from localcloud.arm.models import Json

_MOST = 100
_BY_NAME = re.compile(r"\s*name\s+eq\s+'([^']*)'\s*", re.IGNORECASE)


def page(call: Call, found: Sequence[Json]) -> Reply:
    """`$top` of them, 1 to 100 (20 without it), from where the last page ended; `$filter` by a whole name alone.

    Raises ArmError 400, and 501 for another filter.
    """
    text = call.query.get("$filter", "")
    named = _BY_NAME.fullmatch(text) if text else None
    if text and named is None:
        raise unsupported("GET", f"Microsoft.EventGrid with $filter={text}")
    if named is not None:
        found = [one for one in found if one["name"].lower() == named[1].lower()]
    top, begin = call.query.get("$top", "20"), call.query.get("$skiptoken", "0")
    if not (top.isascii() and top.isdecimal() and 1 <= int(top) <= _MOST):
        raise invalid(f"$top: expected 1 to {_MOST}, found {top!r}")
    if not (begin.isascii() and begin.isdecimal()):
        raise invalid(f"$skiptoken: expected one of a nextLink, found {begin!r}")
    end = int(begin) + int(top)
    body: Json = {"value": list(found[int(begin) : end])}
    if end < len(found):
        query = {**call.query, "$skiptoken": str(end)}
        body["nextLink"] = f"{call.base}{call.path}?{urlencode(query)}"
    return Reply(body=body)
