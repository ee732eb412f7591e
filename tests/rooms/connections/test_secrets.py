"""Secrets: written, never read back; bound to a connection and its hosts; unreadable without the key."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.connections.actions import create_connection, disconnect, edit_connection
from signoff.connections.secrets import (
    SecretLocked,
    SecretMissing,
    create_secret,
    delete_secret,
    queries,
    replace_secret,
    reveal_for_call,
)
from signoff.connections.vault import Place, Sealed, Vault
from signoff.kit.errors import Fault, Malformed, NotAllowed, NotFound, NotNow
from signoff.tables.connections import Secret, SecretVersion
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.connections import kit_connections as kit

VALUE = "tok-planted-7319"


@pytest.fixture
def token(store: Store, acme: kit.Place, erp: str, vault: Vault) -> str:
    with store.write() as session:
        return create_secret(session, acme.owner, vault, connection_id=erp, name="ERP_TOKEN", value=VALUE + "\n")


def revealed(store: Store, vault: Vault, place: kit.Place, erp: str, *names: str, **more: Any) -> dict[str, str]:
    given: dict[str, Any] = {"environment_id": place.production, "connection_id": erp, "names": names, **more}
    with store.write() as session:
        return reveal_for_call(session, vault, **given).values


def test_a_secret_reaches_its_own_connection(store: Store, acme: kit.Place, erp: str, token: str, vault: Vault) -> None:
    assert revealed(store, vault, acme, erp, "ERP_TOKEN") == {"ERP_TOKEN": VALUE}
    assert revealed(store, vault, acme, erp, "ERP_TOKEN", host="erp.example.com") == {"ERP_TOKEN": VALUE}
    assert revealed(store, vault, acme, erp) == {}
    with store.read() as session:
        row = queries.secrets_page(session, acme.owner).rows[0]
        assert (row.name, row.hosts, row.is_locked, row.connection_slug) == (
            "ERP_TOKEN", ("erp.example.com",), False, "erp",
        )  # fmt: skip
        assert row.last_used_at is not None


def test_a_use_is_noted_without_a_row_in_the_audit(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault
) -> None:
    with store.read() as session:
        before = len(session.scalars(select(AuditRow.id)).all())
    for _ in range(3):
        revealed(store, vault, acme, erp, "ERP_TOKEN")
    with store.read() as session:
        assert len(session.scalars(select(AuditRow.id)).all()) == before


def test_the_value_is_nowhere_but_in_the_call(store: Store, acme: kit.Place, token: str, vault: Vault) -> None:
    with store.read() as session:
        version = session.get_one(SecretVersion, (token, 1))
        assert VALUE.encode() not in version.ciphertext
        page = queries.secrets_page(session, acme.owner)
        audit = session.scalars(select(AuditRow)).all()
        told = [repr(dataclasses.asdict(found)) for found in page.rows] + [repr(found.detail) for found in audit]
        assert not any(VALUE in text for text in told)
    assert VALUE not in repr(vault)


@pytest.mark.parametrize("name", ["erp_token", "ERP_TOKEN ", "ＥＲＰ_TOKEN", "ERP_TOKEＮ", "NOTHING", "ERP%", ""])
def test_no_other_name_finds_it(store: Store, acme: kit.Place, erp: str, token: str, vault: Vault, name: str) -> None:
    with pytest.raises(SecretMissing):
        revealed(store, vault, acme, erp, name)


def test_no_other_connection_and_environment_finds_it(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault
) -> None:
    with store.write() as session:
        twin = create_connection(
            session,
            acme.owner,
            environment_id=acme.production,
            slug="twin",
            name="T",
            kind="mcp_http",
            config={"url": kit.URL},
        )
    for more in ({"connection_id": twin}, {"environment_id": acme.staging}, {"connection_id": "con_none"}):
        with pytest.raises(SecretMissing):
            revealed(store, vault, acme, erp, "ERP_TOKEN", **more)
    with pytest.raises(SecretLocked):
        revealed(store, vault, acme, erp, "ERP_TOKEN", host="evil.example.com")


@pytest.mark.parametrize(
    "url", ["https://evil.example.com/mcp", "http://erp.example.com/mcp", "https://erp.example.com:8443/mcp"]
)
def test_another_host_locks_it_until_it_is_entered_again(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault, url: str
) -> None:
    with store.write() as session:
        edit_connection(session, acme.owner, erp, config={"url": url})
    with pytest.raises(SecretLocked, match="leads elsewhere"):
        revealed(store, vault, acme, erp, "ERP_TOKEN")
    with store.write() as session:
        assert queries.secrets_page(session, acme.owner).rows[0].is_locked
        assert replace_secret(session, acme.owner, vault, token, value="another value") == 2
    assert revealed(store, vault, acme, erp, "ERP_TOKEN") == {"ERP_TOKEN": "another value"}


def test_another_path_of_the_same_host_does_not_lock_it(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault
) -> None:
    with store.write() as session:
        edit_connection(session, acme.owner, erp, config={"url": "https://ERP.example.com/v2"})
    assert revealed(store, vault, acme, erp, "ERP_TOKEN") == {"ERP_TOKEN": VALUE}


def test_only_those_who_may_enter_replace_and_delete(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault
) -> None:
    other = kit.place(store, "other").owner
    with store.write() as session:
        for who, refusal in ((other, NotFound), (acme.viewer, NotAllowed), (acme.as_role("member"), NotAllowed)):
            with pytest.raises(refusal):
                create_secret(session, who, vault, connection_id=erp, name="X", value="long enough")
            with pytest.raises(refusal):
                replace_secret(session, who, vault, token, value="long enough")
            with pytest.raises(refusal):
                delete_secret(session, who, token)
        with pytest.raises(NotAllowed):
            queries.secrets_page(session, acme.viewer)
        assert list(queries.secrets_page(session, other).rows) == []
        delete_secret(session, acme.owner, token)
        assert [event["name"] for event in kit.audited(session, "secret.deleted")] == ["ERP_TOKEN"]
    with pytest.raises(SecretMissing):
        revealed(store, vault, acme, erp, "ERP_TOKEN")


@pytest.mark.parametrize("value", ["", "12345", "x" * 20_000, "nul\0inside", "half \ud800 pair"])
def test_a_value_that_could_not_be_masked_or_kept_is_refused(
    store: Store, acme: kit.Place, erp: str, vault: Vault, value: str
) -> None:
    with store.write() as session, pytest.raises(Malformed):
        create_secret(session, acme.owner, vault, connection_id=erp, name="X", value=value)


@pytest.mark.parametrize("name", ["", "1X", "A-B", "A B", "Ä", "X" * 64, "X}}"])
def test_a_name_that_could_not_be_written_in_a_placeholder_is_refused(
    store: Store, acme: kit.Place, erp: str, vault: Vault, name: str
) -> None:
    with store.write() as session, pytest.raises(Malformed):
        create_secret(session, acme.owner, vault, connection_id=erp, name=name, value="long enough")


def test_a_name_is_taken_once_and_a_disconnected_one_is_emptied(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault
) -> None:
    with store.write() as session:
        with pytest.raises(NotNow, match="already has a secret"):
            create_secret(session, acme.owner, vault, connection_id=erp, name="ERP_TOKEN", value="long enough")
        disconnect(session, acme.owner, erp)
        assert session.scalars(select(Secret.id)).all() == []
        with pytest.raises(NotNow):
            create_secret(session, acme.owner, vault, connection_id=erp, name="ERP_TOKEN", value="long enough")


def test_a_value_does_not_open_in_another_place(vault: Vault) -> None:
    here = Place("ws_1", "sec_1", 1)
    sealed = vault.seal(VALUE, here)
    assert vault.open(sealed, here) == VALUE
    assert vault.seal(VALUE, here).nonce != sealed.nonce
    for there in (Place("ws_2", "sec_1", 1), Place("ws_1", "sec_2", 1), Place("ws_1", "sec_1", 2)):
        with pytest.raises(Fault, match="does not open"):
            vault.open(sealed, there)
    flipped = bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:]
    with pytest.raises(Fault, match="does not open"):
        vault.open(Sealed(flipped, sealed.nonce, sealed.key_id), here)
    with pytest.raises(Fault, match="does not have"):
        kit.vault().open(sealed, here)


def test_a_row_copied_onto_another_secret_does_not_open(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault
) -> None:
    with store.write() as session:
        other = create_secret(session, acme.owner, vault, connection_id=erp, name="OTHER", value="another value")
        row = session.get_one(SecretVersion, (token, 1))
        values = {"ciphertext": row.ciphertext, "nonce": row.nonce, "key_id": row.key_id}
        session.execute(update(SecretVersion).where(SecretVersion.secret_id == other).values(**values))
    with pytest.raises(Fault, match="does not open"):
        revealed(store, vault, acme, erp, "OTHER")
