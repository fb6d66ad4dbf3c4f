"""Lists in pages, with the link to the next, as the distribution API and ACR's own both do."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from localcloud.registry.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web


def page(names: Sequence[str], request: web.Request, most: int) -> tuple[Sequence[str], dict[str, str]]:
    """The names the request asks for, and the `Link` header when there are more.

    `n` is how many, at most `most`; `last` the name the page before ended with. A `last` that is gone meanwhile ends
    the listing only where the order is by name; else it starts again from the top.
    """
    last, text = request.query.get("last", ""), request.query.get("n", str(most))
    if not text.isdecimal():
        raise RegistryError("PAGINATION_NUMBER_INVALID", 400, f"n: expected a number, found {text!r}")
    count = min(int(text), most)
    rest = names
    if last in names:
        rest = names[names.index(last) + 1 :]
    elif last and list(names) == sorted(names):
        rest = [name for name in names if name > last]
    shown = rest[:count]
    if not shown or len(rest) <= count:
        return shown, {}
    query = urlencode({**request.query, "last": shown[-1], "n": str(count)})
    return shown, {"Link": f'<{request.rel_url.raw_path}?{query}>; rel="next"'}
