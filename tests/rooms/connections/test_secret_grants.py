"""The first of two gates: an agent uses what it was granted. The second, what its revision lists, is the gateway's."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from signoff.agents.actions import create_agent
from signoff.connections.secrets import (
    SecretNotGranted,
    Use,
    close_secret,
    create_secret,
    edit_secret,
    grant_secret,
    queries,
    reveal_for_call,
    withdraw_secret,
)
from signoff.connections.vault import Vault
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.record.actor import Actor
from signoff.tables.connections import Secret, SecretUse
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.connections import kit_connections as kit

VALUE = "tok-planted-7319"


@pytest.fixture
def agent(store: Store, acme: kit.Place) -> str:
    with store.write() as session:
        return create_agent(session, acme.owner, slug="bills", name="Bills", body={}, owner_id=acme.owner.id)


@pytest.fixture
def token(store: Store, acme: kit.Place, erp: str, vault: Vault) -> str:
    with store.write() as session:
        return create_secret(session, acme.owner, vault, connection_id=erp, name="ERP_TOKEN", value=VALUE)


def use(agent: str, run: str = "run_1", *, asked: bool = True) -> Use:
    names = frozenset({"ERP_TOKEN"}) if asked else frozenset[str]()
    return Use(Actor("run", run, "bills r1"), run_id=run, agent_id=agent, agent_name="bills", asked=names)


def read(store: Store, vault: Vault, place: kit.Place, erp: str, who: Use) -> dict[str, str]:
    with store.write() as session:
        return reveal_for_call(
            session, vault, environment_id=place.production, connection_id=erp, names=["ERP_TOKEN"], use=who
        ).values


def test_a_new_secret_is_nobodys_until_it_is_granted_and_again_when_it_is_withdrawn(
    store: Store, acme: kit.Place, erp: str, token: str, agent: str, vault: Vault
) -> None:
    with pytest.raises(SecretNotGranted, match="not granted to bills"):
        read(store, vault, acme, erp, use(agent))
    with store.write() as session:
        grant_secret(session, acme.owner, token, "bills")
        grant_secret(session, acme.owner, token, agent)
        assert [row.agent_slug for row in queries.grants_of(session, acme.owner, token)] == ["bills"]
        assert len(kit.audited(session, "secret.granted")) == 1
    assert read(store, vault, acme, erp, use(agent)) == {"ERP_TOKEN": VALUE}
    with store.write() as session:
        withdraw_secret(session, acme.owner, token, "bills")
        with pytest.raises(NotNow):
            withdraw_secret(session, acme.owner, token, "bills")
    with pytest.raises(SecretNotGranted):
        read(store, vault, acme, erp, use(agent, "run_2"))


def test_what_the_connection_itself_sends_needs_no_grant(
    store: Store, acme: kit.Place, erp: str, token: str, agent: str, vault: Vault
) -> None:
    assert read(store, vault, acme, erp, use(agent, asked=False)) == {"ERP_TOKEN": VALUE}


def test_one_from_before_grants_is_open_until_it_is_closed(
    store: Store, acme: kit.Place, erp: str, token: str, agent: str, vault: Vault
) -> None:
    with store.write() as session:
        session.execute(update(Secret).values(is_open_to_all=True))
        assert queries.secret_row(session, acme.owner, token).is_open_to_all
    assert read(store, vault, acme, erp, use(agent)) == {"ERP_TOKEN": VALUE}
    with store.write() as session:
        close_secret(session, acme.owner, token)
        with pytest.raises(NotNow):
            close_secret(session, acme.owner, token)
    with pytest.raises(SecretNotGranted):
        read(store, vault, acme, erp, use(agent, "run_2"))


def test_only_agents_of_the_workspace_and_only_by_whoever_may(
    store: Store, acme: kit.Place, erp: str, token: str, agent: str, vault: Vault
) -> None:
    other = kit.place(store, "other").owner
    with store.write() as session:
        theirs = create_agent(session, other, slug="theirs", name="T", body={}, owner_id=other.id)
        for name in (theirs, "theirs", "nobody"):
            with pytest.raises(NotFound):
                grant_secret(session, acme.owner, token, name)
        with pytest.raises(NotFound):
            grant_secret(session, other, token, theirs)
        with pytest.raises(NotAllowed):
            grant_secret(session, acme.as_role("member"), token, agent)
        with pytest.raises(NotAllowed):
            queries.grants_of(session, acme.as_role("member"), token)
        given: dict[str, Any] = {"connection_id": erp, "name": "X", "value": VALUE}
        with pytest.raises(Malformed) as refusal:
            create_secret(session, acme.owner, vault, **given, agents=[theirs])
        assert "agents" in refusal.value.errors


def test_a_run_that_reads_is_in_the_audit_once_for_each_version(
    store: Store, acme: kit.Place, erp: str, token: str, agent: str, vault: Vault
) -> None:
    with store.write() as session:
        grant_secret(session, acme.owner, token, agent)
    for run in ("run_1", "run_1", "run_1", "run_2"):
        read(store, vault, acme, erp, use(agent, run))
    with store.read() as session:
        told = kit.audited(session, "secret.used")
        assert [(row["run"], row["version"], row["name"]) for row in told] == [
            ("run_1", 1, "ERP_TOKEN"),
            ("run_2", 1, "ERP_TOKEN"),
        ]
        assert {row.run_id for row in queries.uses_of(session, acme.owner, token)} == {"run_1", "run_2"}
        assert VALUE not in repr(told)


def test_of_high_sensitivity_every_call_is_in_the_audit(
    store: Store, acme: kit.Place, erp: str, token: str, agent: str, vault: Vault
) -> None:
    with store.write() as session:
        grant_secret(session, acme.owner, token, agent)
        edit_secret(session, acme.owner, token, description="", sensitivity="high", expires_at=None)
    for _ in range(3):
        read(store, vault, acme, erp, use(agent))
    with store.read() as session:
        assert len(kit.audited(session, "secret.used")) == 3
        assert len(session.scalars(select(SecretUse)).all()) == 1


@pytest.mark.parametrize("sensitivity", ["standard", "high"])
def test_with_an_audit_that_cannot_be_written_only_the_standard_one_is_read(
    store: Store, acme: kit.Place, erp: str, token: str, agent: str, vault: Vault, sensitivity: Any
) -> None:
    """Also a use: what is of high sensitivity leaves a trace or does not leave."""
    with store.write() as session:
        grant_secret(session, acme.owner, token, agent)
        edit_secret(session, acme.owner, token, description="", sensitivity=sensitivity, expires_at=None)
    table = AuditRow.__tablename__
    with store.write() as session:
        session.execute(text(f"alter table {table} rename to {table}_away"))
    if sensitivity == "standard":
        assert read(store, vault, acme, erp, use(agent)) == {"ERP_TOKEN": VALUE}
    else:
        with pytest.raises(SQLAlchemyError):
            read(store, vault, acme, erp, use(agent))
    with store.write() as session:
        session.execute(text(f"alter table {table}_away rename to {table}"))
        session.execute(delete(SecretUse))
    assert read(store, vault, acme, erp, use(agent)) == {"ERP_TOKEN": VALUE}
