"""The master key changes under everything: values stay readable while it does, and the old key opens nothing after."""

from __future__ import annotations

import dataclasses
import threading

import pytest
from sqlalchemy import select, update

from signoff.connections.secrets import create_secret, replace_secret, reveal_for_call, rotate_master_key
from signoff.connections.vault import Place, Vault
from signoff.kit.errors import Fault
from signoff.tables.connections import DataKey, Secret, SecretVersion
from signoff.tables.session import Store
from tests.rooms.connections import kit_connections as kit


@pytest.fixture
def names(store: Store, acme: kit.Place, erp: str, vault: Vault) -> list[str]:
    names = [f"S_{number}" for number in range(5)]
    with store.write() as session:
        for name in names:
            create_secret(session, acme.owner, vault, connection_id=erp, name=name, value=f"value of {name}")
    return names


def revealed(store: Store, vault: Vault, place: kit.Place, erp: str, names: list[str]) -> dict[str, str]:
    with store.write() as session:
        return reveal_for_call(session, vault, environment_id=place.production, connection_id=erp, names=names).values


def fresh(vault: Vault) -> Vault:
    """The same keys in another process."""
    return Vault(vault.keys)


def test_a_workspace_has_one_key_of_its_own(store: Store, acme: kit.Place, names: list[str], vault: Vault) -> None:
    with store.read() as session:
        (key,) = session.scalars(select(DataKey))
        assert (key.workspace_id, key.number, key.key_id) == (acme.owner.workspace_id, 1, vault.keys.current.id)
        assert set(session.scalars(select(SecretVersion.key_id))) == {key.id}


@pytest.mark.parametrize("with_new_keys", [False, True])
def test_afterwards_the_old_master_key_opens_nothing(
    store: Store, acme: kit.Place, erp: str, names: list[str], vault: Vault, with_new_keys: bool
) -> None:
    both = kit.rotated(vault.keys)
    before = _ciphertexts(store)
    done = list(rotate_master_key(store, both, with_new_keys=with_new_keys))[-1]
    assert (done.keys, done.values, done.left) == ((2, 5, 0) if with_new_keys else (1, 0, 0))
    assert (_ciphertexts(store) == before) is not with_new_keys
    assert list(rotate_master_key(store, both))[-1].keys == 0
    only_new = Vault(dataclasses.replace(both.keys, old=()))
    assert revealed(store, only_new, acme, erp, names) == {name: f"value of {name}" for name in names}
    with pytest.raises(Fault, match="old_secret_keys"):
        revealed(store, fresh(vault), acme, erp, names)
    with store.read() as session:
        assert kit.audited(session, "secret.master_key_rotated")[0]["key"] == both.keys.current.id


def _ciphertexts(store: Store) -> set[bytes]:
    with store.read() as session:
        return set(session.scalars(select(SecretVersion.ciphertext)))


def test_what_the_master_key_itself_sealed_moves_under_the_workspaces_key(
    store: Store, acme: kit.Place, erp: str, names: list[str], vault: Vault
) -> None:
    """As a release before it wrote: straight under the master key, in the secret and in its first version."""
    with store.write() as session:
        for row in session.scalars(select(Secret)):
            sealed = vault.seal(f"old {row.name}", Place(row.workspace_id, row.id, 1))
            values = {"ciphertext": sealed.ciphertext, "nonce": sealed.nonce, "key_id": sealed.key_id}
            session.execute(update(Secret).where(Secret.id == row.id).values(**values))
            session.execute(update(SecretVersion).where(SecretVersion.secret_id == row.id).values(**values))
    both = kit.rotated(vault.keys)
    assert list(rotate_master_key(store, both))[-1].values == 5
    only_new = Vault(dataclasses.replace(both.keys, old=()))
    assert revealed(store, only_new, acme, erp, names) == {name: f"old {name}" for name in names}
    with store.read() as session:
        assert set(session.scalars(select(Secret.key_id))) == {""}


def test_stopped_in_the_middle_it_goes_on_where_it_was(
    store: Store, acme: kit.Place, erp: str, names: list[str], vault: Vault
) -> None:
    both = kit.rotated(vault.keys)
    first = rotate_master_key(store, both, with_new_keys=True)
    next(first)
    first.close()
    assert revealed(store, fresh(both), acme, erp, names)["S_0"] == "value of S_0"
    assert list(rotate_master_key(store, both))[-1].left == 0
    only_new = Vault(dataclasses.replace(both.keys, old=()))
    assert revealed(store, only_new, acme, erp, names)["S_4"] == "value of S_4"


def test_no_call_fails_meanwhile(store: Store, acme: kit.Place, erp: str, names: list[str], vault: Vault) -> None:
    """Calls in processes with both keys, and people who enter values, while the keys change three times."""
    both = kit.rotated(vault.keys)
    failed: list[BaseException] = []
    stop = threading.Event()
    counted = [0]

    def call() -> None:
        try:
            while not stop.is_set():
                assert revealed(store, fresh(both), acme, erp, names[:3]).keys() == set(names[:3])
                counted[0] += 1
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(3):
        list(rotate_master_key(store, both, with_new_keys=True))
        with store.write() as session:
            row = session.scalars(select(Secret).where(Secret.name == "S_4")).one()
            replace_secret(session, acme.owner, fresh(both), row.id, value=f"value number {number}")
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert counted[0] > 0
