"""The signature in the addresses of operations."""

from __future__ import annotations

import hashlib


def signed(operation: str, length: int) -> str:
    """Looks like Azure's and is as long, so that no one cuts or rebuilds an address unseen; "" without one."""
    if not length:
        return ""
    digest = hashlib.sha256(operation.encode()).hexdigest()
    certificate = (digest * (length // len(digest) + 1))[:length]
    return f"&t=639000000000000000&c={certificate}&s={digest}_-&h={digest[:43]}"
