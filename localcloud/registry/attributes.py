"""What may be done with a repository, a tag or a manifest: the four attributes ACR lets a client change."""

from __future__ import annotations

import msgspec

from localcloud.registry.errors import unsupported


class Attributes(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`changeableAttributes`, under the names of ACR's metadata API; a tag's and its manifest's are apart."""

    delete_enabled: bool = True
    write_enabled: bool = True
    read_enabled: bool = True
    list_enabled: bool = True


class _Change(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    delete_enabled: bool | msgspec.UnsetType = msgspec.UNSET
    write_enabled: bool | msgspec.UnsetType = msgspec.UNSET
    read_enabled: bool | msgspec.UnsetType = msgspec.UNSET
    list_enabled: bool | msgspec.UnsetType = msgspec.UNSET


def changed(before: Attributes, body: bytes) -> Attributes:
    """The attributes after a PATCH: what its body does not name stays.

    Another attribute (`quarantineState`, `teleportEnabled`) is refused, as is what is no JSON.
    """
    try:
        change = msgspec.json.decode(body, type=_Change)
    except msgspec.DecodeError as error:
        raise unsupported(f"this change of attributes: {error}") from error
    given = {name: getattr(change, name) for name in change.__struct_fields__}
    return msgspec.structs.replace(
        before, **{name: value for name, value in given.items() if value is not msgspec.UNSET}
    )
