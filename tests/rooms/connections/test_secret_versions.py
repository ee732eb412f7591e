"""Versions: a new value counts from the next call, an older one comes back as a new version, the oldest are erased."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.connections.secrets import (
    create_secret,
    delete_secret,
    edit_secret,
    hand_over_secret,
    queries,
    replace_secret,
    restore_secret,
    reveal_for_call,
    share_secret,
)
from signoff.connections.vault import Vault
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.tables.connections import Connection, Secret, SecretVersion
from signoff.tables.session import Store
from tests.rooms.connections import kit_connections as kit

VALUE = "tok-planted-7319"


@pytest.fixture
def token(store: Store, acme: kit.Place, erp: str, vault: Vault) -> str:
    with store.write() as session:
        return create_secret(session, acme.owner, vault, connection_id=erp, name="ERP_TOKEN", value=VALUE)


def revealed(store: Store, vault: Vault, place: kit.Place, erp: str) -> str:
    with store.write() as session:
        found = reveal_for_call(session, vault, environment_id=place.production, connection_id=erp, names=["ERP_TOKEN"])
    return found.values["ERP_TOKEN"]


def states(store: Store, place: kit.Place, token: str) -> list[tuple[int, str]]:
    with store.read() as session:
        return [(row.version, row.state) for row in queries.versions_of(session, place.owner, token)]


def test_an_older_value_comes_back_as_a_new_version(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault
) -> None:
    with store.write() as session:
        assert replace_secret(session, acme.owner, vault, token, value="second value", reason="the quarter") == 2
    assert revealed(store, vault, acme, erp) == "second value"
    with store.write() as session:
        assert restore_secret(session, acme.owner, vault, token, version=1, reason="second was wrong") == 3
    assert revealed(store, vault, acme, erp) == VALUE
    assert states(store, acme, token) == [(3, "current"), (2, "superseded"), (1, "superseded")]
    with store.read() as session:
        newest = queries.versions_of(session, acme.owner, token)[0]
        assert (newest.restored_from, newest.reason, newest.created_by_name) == (1, "second was wrong", "Alice")
        assert kit.audited(session, "secret.restored")[0]["restored_from"] == 1
        stored = session.scalars(select(SecretVersion.ciphertext)).all()
        assert len(set(stored)) == 3  # The same value twice, and nobody can tell by looking.


def test_the_oldest_values_are_erased_and_cannot_come_back(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault
) -> None:
    keeping = dataclasses.replace(vault, versions_kept=2)
    for number in range(2, 5):
        with store.write() as session:
            replace_secret(session, acme.owner, keeping, token, value=f"value number {number}")
    assert states(store, acme, token) == [(4, "current"), (3, "superseded"), (2, "erased"), (1, "erased")]
    with store.write() as session:
        assert session.get_one(SecretVersion, (token, 1)).ciphertext == b""
        for version, refusal in ((1, NotNow), (4, NotNow), (9, NotFound), (0, NotFound)):
            with pytest.raises(refusal):
                restore_secret(session, acme.owner, keeping, token, version=version)


def test_an_older_value_does_not_follow_the_connection_to_another_host(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault
) -> None:
    """Who may point the connection elsewhere and put a value in must not send the old one there, unseen."""
    with store.write() as session:
        row = session.get_one(Connection, erp)
        row.config = {**row.config, "url": "https://elsewhere.example/mcp"}
    with store.write() as session:
        replace_secret(session, acme.owner, vault, token, value="dummy-dummy")
    with store.write() as session, pytest.raises(NotNow, match="other hosts") as refused:
        restore_secret(session, acme.owner, vault, token, version=1)
    assert refused.value.code == "secret_version_elsewhere"
    assert revealed(store, vault, acme, erp) == "dummy-dummy"
    with store.write() as session:
        row = session.get_one(Connection, erp)
        row.config = {**row.config, "url": kit.URL}
    with store.write() as session:  # Back where it was entered for, it may be used again; the one from elsewhere not.
        restore_secret(session, acme.owner, vault, token, version=1)
        with pytest.raises(NotNow, match="Version 2 was entered for other hosts"):
            restore_secret(session, acme.owner, vault, token, version=2)
    assert revealed(store, vault, acme, erp) == VALUE


def test_a_version_of_which_nobody_knows_the_hosts_is_entered_again(
    store: Store, acme: kit.Place, token: str, vault: Vault
) -> None:
    with store.write() as session:
        replace_secret(session, acme.owner, vault, token, value="second value")
        session.execute(update(SecretVersion).where(SecretVersion.version == 1).values(hosts=None))
    with store.write() as session, pytest.raises(NotNow, match="Enter its value again"):
        restore_secret(session, acme.owner, vault, token, version=1)


def test_of_two_who_replace_it_at_once_one_is_told(store: Store, acme: kit.Place, token: str, vault: Vault) -> None:
    with store.write() as session:
        row = session.get_one(Secret, token)
        # Somebody else, between this session's look and its change.
        session.execute(
            update(Secret).where(Secret.id == token).values(version=2).execution_options(synchronize_session=False)
        )
        assert row.version == 1
        with pytest.raises(NotNow, match="Somebody else"):
            replace_secret(session, acme.owner, vault, token, value="second value")


def test_a_value_that_the_release_before_wrote_is_read_and_becomes_a_version(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault
) -> None:
    """While both releases are at work, the one before writes into the secret itself and knows no versions."""
    from signoff.connections.vault import Place

    sealed = vault.seal("from the old release", Place(acme.owner.workspace_id, token, 2))
    with store.write() as session:
        session.execute(
            update(Secret)
            .where(Secret.id == token)
            .values(version=2, ciphertext=sealed.ciphertext, nonce=sealed.nonce, key_id=sealed.key_id)
        )
    assert revealed(store, vault, acme, erp) == "from the old release"
    assert states(store, acme, token) == [(2, "current"), (1, "superseded")]
    with store.write() as session:
        replace_secret(session, acme.owner, vault, token, value="third value")
        assert session.get_one(Secret, token).ciphertext == b""
        restore_secret(session, acme.owner, vault, token, version=2)
    assert revealed(store, vault, acme, erp) == "from the old release"


def test_of_high_sensitivity_every_change_has_a_reason(store: Store, acme: kit.Place, token: str, vault: Vault) -> None:
    with store.write() as session:
        edit_secret(session, acme.owner, token, description="", sensitivity="high", expires_at=None)
        replace: Any = lambda **more: replace_secret(session, acme.owner, vault, token, value="second value", **more)  # noqa: E731
        for change in (
            replace,
            lambda: restore_secret(session, acme.owner, vault, token, version=1),
            lambda: delete_secret(session, acme.owner, token),
            lambda: edit_secret(session, acme.owner, token, description="", sensitivity="standard", expires_at=None),
        ):
            with pytest.raises(Malformed, match="Say why"):
                change()
        assert replace(reason="the quarter") == 2
        assert kit.audited(session, "secret.replaced")[0]["reason"] == "the quarter"


def test_of_high_sensitivity_it_is_not_given_to_a_program(store: Store, acme: kit.Place, vault: Vault) -> None:
    from signoff.connections.actions import create_connection

    with store.write() as session:
        program = create_connection(
            session, acme.owner, environment_id=acme.production, slug="prog", name="Prog", kind="mcp_stdio",
            config={"command": "prog"},
        )  # fmt: skip
        given: dict[str, Any] = {"connection_id": program, "name": "KEY", "value": VALUE}
        with pytest.raises(Malformed, match="a program keeps"):
            create_secret(session, acme.owner, vault, **given, sensitivity="high")
        made = create_secret(session, acme.owner, vault, **given)
        with pytest.raises(Malformed):
            edit_secret(session, acme.owner, made, description="", sensitivity="high", expires_at=None)


def test_a_personal_login_is_its_owners_and_the_administrators(
    store: Store, acme: kit.Place, erp: str, vault: Vault
) -> None:
    builder, other, admin = acme.as_role("builder"), acme.as_role("manager"), acme.as_role("administrator")
    with store.write() as session:
        mine = create_secret(session, builder, vault, connection_id=erp, name="MINE", value=VALUE, whose="personal")
        row = queries.secret_row(session, acme.owner, mine)
        assert (row.principal, row.owner_id, row.is_owner_gone) == ("personal", builder.id, True)
        with pytest.raises(NotAllowed, match="personal login of builder"):
            replace_secret(session, other, vault, mine, value="second value")
        with pytest.raises(NotAllowed):
            delete_secret(session, other, mine)
        assert replace_secret(session, builder, vault, mine, value="second value") == 2
        assert replace_secret(session, admin, vault, mine, value="third value") == 3
        with pytest.raises(NotAllowed, match=r"secret\.manage"):
            share_secret(session, builder, mine)
        assert queries.secret_row(session, acme.owner, mine).principal == "personal"
        hand_over_secret(session, admin, mine, acme.owner.id)
        assert queries.secret_row(session, acme.owner, mine).owner_name == "Alice"
        assert [one.id for one in queries.personal_secrets_of(session, acme.owner, acme.owner.id)] == [mine]
        with pytest.raises(NotAllowed):
            replace_secret(session, builder, vault, mine, value="fourth value")
        share_secret(session, acme.owner, mine)
        with pytest.raises(NotAllowed):
            replace_secret(session, builder, vault, mine, value="fifth value")  # It is the workspace's now.
        assert replace_secret(session, other, vault, mine, value="fifth value") == 4
        with pytest.raises(NotNow):
            hand_over_secret(session, other, mine, acme.owner.id)  # What is shared, nobody takes for themselves.
        key = dataclasses.replace(builder, kind="key")
        with pytest.raises(Malformed, match="Only a member"):
            create_secret(session, key, vault, connection_id=erp, name="K", value=VALUE, whose="personal")


def test_a_personal_login_is_not_sent_in_everybodys_calls(
    store: Store, acme: kit.Place, erp: str, vault: Vault
) -> None:
    builder = acme.as_role("builder")
    with store.write() as session:
        config = {"url": "https://erp.example.com/mcp", "headers": {"Authorization": "Bearer {{secret.ERP_TOKEN}}"}}
        session.get_one(Connection, erp).config = config
    # A name that a shared connection sends is no place for one's own login, also while nobody entered a shared one.
    with store.write() as session, pytest.raises(Malformed, match="takes a shared secret") as refused:
        create_secret(session, builder, vault, connection_id=erp, name="ERP_TOKEN", value=VALUE, whose="personal")
    assert refused.value.code == "shared_secret_needed"
    with store.write() as session:
        mine = create_secret(session, builder, vault, connection_id=erp, name="MINE", value=VALUE, whose="personal")
        session.get_one(Connection, erp).config = {**config, "headers": {"Authorization": "{{secret.MINE}}"}}

    def reveal() -> dict[str, str]:
        with store.write() as session:
            given: dict[str, Any] = {"environment_id": acme.production, "connection_id": erp, "names": ["MINE"]}
            return reveal_for_call(session, vault, **given).values

    with pytest.raises(NotAllowed, match="personal login of builder") as locked:
        reveal()
    assert locked.value.code == "personal_secret_in_connection"
    with store.write() as session:
        share_secret(session, acme.owner, mine)
    assert reveal() == {"MINE": VALUE}


def test_the_nearest_end_comes_first_and_a_new_value_ends_the_wait(
    store: Store, acme: kit.Place, erp: str, token: str, vault: Vault
) -> None:
    soon = clock.now() + timedelta(days=3)
    with store.write() as session:
        later = create_secret(
            session, acme.owner, vault, connection_id=erp, name="LATER", value=VALUE, expires_at=soon + timedelta(9)
        )
        edit_secret(session, acme.owner, token, description="", sensitivity="standard", expires_at=soon)
        found = queries.expiring_secrets(session, acme.owner, size=1)
        assert [row.id for row in found.rows] == [token]
        rest = queries.expiring_secrets(session, acme.owner, size=1, cursor=found.next_cursor)
        assert ([row.id for row in rest.rows], rest.next_cursor) == ([later], None)
        assert [row.id for row in queries.expiring_secrets(session, acme.owner, within_days=5).rows] == [token]
        replace_secret(session, acme.owner, vault, token, value="second value")
        assert [row.id for row in queries.expiring_secrets(session, acme.owner).rows] == [later]
        with pytest.raises(Malformed):
            edit_secret(
                session, acme.owner, later, description="", sensitivity="standard",
                expires_at=clock.now() + timedelta(days=40_000),
            )  # fmt: skip
