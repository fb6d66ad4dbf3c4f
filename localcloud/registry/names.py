"""What may name a repository, a tag and a digest; the distribution specification's own grammars."""

from __future__ import annotations

import hashlib
import re

from localcloud.registry.errors import RegistryError

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_LONGEST_REPOSITORY = 255


def repository(text: str) -> str:
    """This text, when it can name a repository; they become folders, so nothing else may pass."""
    if len(text) > _LONGEST_REPOSITORY or not _REPOSITORY.fullmatch(text):
        raise RegistryError("NAME_INVALID", 400, f"repository: expected a lower-case path, found {text[:300]!r}")
    return text


def is_digest(reference: str) -> bool:
    """Whether a reference means a digest: tags cannot hold a colon."""
    return ":" in reference


def digest(text: str) -> str:
    """This text, when it is a digest of a known algorithm."""
    if not _DIGEST.fullmatch(text):
        raise RegistryError("DIGEST_INVALID", 400, f"digest: expected sha256 or sha512 and hex, found {text[:200]!r}")
    return text


def is_tag(text: str) -> bool:
    """Whether this text can be a tag."""
    return _TAG.fullmatch(text) is not None


def tag(text: str) -> str:
    """This text, when it can be a tag."""
    if not is_tag(text):
        raise RegistryError("TAG_INVALID", 400, f"tag: expected up to 128 of a-z A-Z 0-9 . _ -, found {text[:200]!r}")
    return text


def counted(content: bytes, algorithm: str = "sha256") -> str:
    """The digest of this content."""
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
