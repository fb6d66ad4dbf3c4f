"""What a row's Signed cells rest on: the signatures of an image, and the rows `names | key | …` that say whose count.

Nothing is asked for a row without such a cell. The rows are read in every tick: a key that an operator takes out of one
must count no more, and that is not left to a cache.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from delivery import names
from delivery.reading import ask
from policies.errors import PolicyError
from policies.signatures import Kind
from policies.signed import SignedRule
from rollouts.seen import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Registry, Rows
    from policies.model import Policy
    from policies.signatures import SignatureSeen
    from policies.signed import Signer
    from rollouts.model import Image

KEY = "key"


async def signatures(registry: Registry, policy: Policy, image: Image) -> tuple[SignatureSeen, ...] | Unknown:
    """What is attached to the image: of an index its own signatures, for its digest is what is deployed."""
    if not _names(policy):
        return ()
    return await ask(registry.signatures(image.registry, image.repository, image.digest))


async def keys(rows: Rows, policy: Policy) -> Mapping[str, Mapping[str, object] | Unknown]:
    """The columns of every key that the row's Signed cells name, without those that have no row: 1 read each."""
    wanted = _names(policy)
    found = await asyncio.gather(*(ask(rows.get(names.NAMES, KEY, name)) for name in wanted))
    return {
        name: row if isinstance(row, Unknown) else row.columns
        for name, row in zip(wanted, found, strict=True)
        if row is not None
    }


async def broken(rows: Rows, policy: Policy) -> list[str]:
    """What is wrong with the rows of the keys that the row's Signed cells name."""
    known = await keys(rows, policy)
    signers = [signer for rule in policy.gates if isinstance(rule, SignedRule) for signer in rule.signers]
    wrong = [_fault(signer, known.get(signer.key)) for signer in signers]
    return list(dict.fromkeys(filter(None, wrong)))


def _fault(signer: Signer, columns: Mapping[str, object] | Unknown | None) -> str:
    from policies import signing_keys  # noqa: PLC0415 - its library is slow to load, and few rows ask for signatures

    if columns is None:
        return f"expected a row names|{KEY}|{signer.key}, found none"
    if isinstance(columns, Unknown):
        return columns.because
    try:
        match signer.kind:
            case Kind.NOTATION:
                signing_keys.read_trusted(signer.key, columns)
            case Kind.COSIGN:
                signing_keys.read_public_keys(signer.key, columns)
    except PolicyError as error:
        return str(error)
    return ""


def _names(policy: Policy) -> list[str]:
    rules = (rule for rule in policy.gates if isinstance(rule, SignedRule))
    return list(dict.fromkeys(signer.key for rule in rules for signer in rule.signers))
