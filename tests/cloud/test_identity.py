"""Which credential speaks for this process."""

from __future__ import annotations

from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

from cloud.identity import Identity


async def test_a_client_id_names_the_user_assigned_identity_and_nothing_else_is_tried() -> None:
    identity = Identity("00000000-0000-0000-0000-000000000001")
    assert isinstance(identity.credential(), ManagedIdentityCredential)
    await identity.close()


async def test_without_one_the_default_chain_is_tried() -> None:
    identity = Identity()
    assert isinstance(identity.credential(), DefaultAzureCredential)
    await identity.close()


async def test_every_adapter_gets_the_same_credential_until_it_is_closed() -> None:
    identity = Identity()
    first = identity.credential()
    assert identity.credential() is first
    await identity.close()
    assert identity.credential() is not first
    await identity.close()
