"""Whether a request bears a token for this service. Nobody signs here: what is read is whom the token is meant for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from localcloud import identity
from localcloud.monitor.log_errors import LogsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def check(headers: Mapping[str, str], audiences: Collection[str]) -> None:
    """audiences: without a slash at their end.

    Raises:
        LogsError: 401 without a token or with one that has ended, 403 for one that is none or meant for another.
    """
    kind, _, token = headers.get("Authorization", "").partition(" ")
    if not token:
        raise LogsError(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    claims = identity.claims(token.strip()) if kind.lower() == "bearer" else {}
    if not claims:
        raise LogsError(403, "InvalidAuthenticationToken", "The access token is invalid.")
    found = str(claims.get("aud", ""))
    if found.rstrip("/") not in audiences:
        raise LogsError(
            403,
            "InvalidAuthenticationTokenAudience",
            f"The access token has been obtained from wrong audience or resource '{found}'. It should exactly match "
            f"(including forward slash) with one of the allowed audiences {','.join(map(repr, audiences))}.",
        )
    if float(claims.get("exp", 0)) < time.time():
        raise LogsError(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is in the past.")
