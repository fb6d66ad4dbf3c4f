"""Which image a report is told to be about, and whether what the report itself says agrees."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from policies.errors import EvidenceError, quoted

SOURCE = "report"
_DIGEST_OF = re.compile(r".*@(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The image. platform: "os/arch" or "". at: when the report was handed over; stands in for a missing scan time.

    defender_keys: assessment keys whose rows are vulnerabilities of a registry's images, in lower case.
    """

    registry: str
    repository: str
    digest: str
    tags: tuple[str, ...] = ()
    platform: str = ""
    index_digest: str = ""
    at: datetime | None = None
    scan_id: str = ""
    defender_keys: frozenset[str] = frozenset()

    def is_one_of(self, references: Iterable[str], path: str) -> None:
        """Raise `EvidenceError` if the report names digests in the registry, and ours is none of them."""
        named = [match[1] for match in map(_DIGEST_OF.fullmatch, references) if match]
        if named and not {self.digest, self.index_digest} & set(named):
            raise EvidenceError(SOURCE, [f"{path}: expected {self.digest}, found {quoted(named[0])}"])

    def is_not_config(self, digest: str, path: str) -> None:
        """Raise `EvidenceError` if what we were told is the digest of the image's config, which nobody can pull."""
        if digest == self.digest:
            expected = "the digest of the manifest, as the registry has it"
            raise EvidenceError(SOURCE, [f"digest: expected {expected}, found that of the config, {path}"])

    def runs_on(self, platform: str, path: str) -> str:
        """The platform, "" when neither says; raises `EvidenceError` if the report is about another one."""
        if self.platform and platform and self.platform != platform:
            raise EvidenceError(SOURCE, [f"{path}: expected {self.platform}, found {quoted(platform)}"])
        return platform or self.platform
