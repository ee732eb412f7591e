"""The steps that give keys an owner, ask those who were named, and say whose address is proven: with rows in place."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from signoff.people.access import can
from signoff.people.key_queries import RevokedKey, principal_of_key
from signoff.people.tokens import hash_of, new_key
from signoff.tables import migrate as migrations
from signoff.tables.migrate import migrate
from signoff.tables.ownership import AgentOwner
from signoff.tables.people import ApiKey, Member, Person, ServiceAccount
from signoff.tables.session import open_engine
from tests.tables.test_migrate_secrets import NOW, put, secret

OWN: dict[str, Any] = {"workspace_id": "ws_1", "created_at": NOW}


@contextmanager
def database_at(url: str, revision: str) -> Generator[Connection]:
    """A database of an earlier release, to put rows in."""
    engine = open_engine(url)
    with engine.connect() as connection:
        command.upgrade(migrations._config(connection), revision)
        connection.commit()
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@contextmanager
def migrated(url: str) -> Generator[Session]:
    """The same database, as this release sees it."""
    migrate(url)
    engine = open_engine(url)
    with Session(engine) as session:
        yield session
    engine.dispose()


def workspace(connection: Connection, number: int) -> None:
    put(connection, "workspaces", id=f"ws_{number}", slug=f"w{number}", name="W", time_zone="UTC", created_at=NOW)
    put(
        connection, "environments", id=f"env_{number}", workspace_id=f"ws_{number}", slug="production", name="P",
        is_production=True, created_at=NOW,
    )  # fmt: skip


def api_key(connection: Connection, number: int, role: str, scopes: list[str], **more: Any) -> str:
    prefix, key = new_key()
    put(
        connection, "api_keys", id=f"key_{role}_{number}", workspace_id=f"ws_{number}", name=role, prefix=prefix,
        key_hash=hash_of(key), role=role, scopes=json.dumps(scopes), created_by="mem_1", created_at=NOW, **more,
    )  # fmt: skip
    return key


def member(connection: Connection, name: str, *workspaces: int, has_accepted: bool = True, **more: Any) -> None:
    put(connection, "people", id=f"per_{name}", email=f"{name}@acme.example", name=name, created_at=NOW, **more)
    for number in workspaces:
        accepted = {"accepted_at": NOW} if has_accepted else {}
        put(
            connection, "members", id=f"mem_{name}_{number}", workspace_id=f"ws_{number}", person_id=f"per_{name}",
            role="manager", state="active", created_at=NOW, **accepted,
        )  # fmt: skip


def test_keys_from_before_there_were_accounts_belong_to_one_and_do_what_they_did(empty_url: str) -> None:
    with database_at(empty_url, "0007") as connection:
        for number in (1, 2, 3):
            workspace(connection, number)
        admin = api_key(connection, 1, "administrator", [])
        runner = api_key(connection, 1, "builder", ["run.start"], environment_id="env_1")
        over = api_key(connection, 1, "viewer", [], revoked_at=NOW)
        other = api_key(connection, 2, "viewer", [])
    with migrated(empty_url) as session:
        accounts = session.scalars(select(ServiceAccount).order_by(ServiceAccount.workspace_id)).all()
        # A workspace without keys gets no account.
        assert [(one.workspace_id, one.slug, one.state) for one in accounts] == [
            ("ws_1", "earlier-keys", "active"), ("ws_2", "earlier-keys", "active"),
        ]  # fmt: skip
        owners = session.execute(select(ApiKey.workspace_id, ApiKey.owner_kind, ApiKey.owner_id)).all()
        assert {tuple(row) for row in owners} == {
            (one.workspace_id, "service_account", one.id) for one in accounts
        }  # fmt: skip
        assert len(owners) == 4
        seen = principal_of_key(session, admin).principal
        assert (seen.kind, seen.id, can(seen, "member.manage"), can(seen, "run.start")) == (
            "service_account", accounts[0].id, True, True,
        )  # fmt: skip
        seen = principal_of_key(session, runner).principal
        assert (seen.environment_id, can(seen, "run.start"), can(seen, "agent.edit")) == ("env_1", True, False)
        seen = principal_of_key(session, other).principal
        assert (seen.workspace_id, can(seen, "run.read"), can(seen, "run.start")) == ("ws_2", True, False)
        with pytest.raises(RevokedKey):
            principal_of_key(session, over)


def test_who_was_named_before_there_were_seats_is_asked(empty_url: str) -> None:
    with database_at(empty_url, "0012") as connection:
        workspace(connection, 1)
        member(connection, "ann", 1)
        member(connection, "bob", 1)
        for slug, people in (("both", {"owner_id": "mem_ann_1", "backup_id": "mem_bob_1"}), ("nobodys", {})):
            put(
                connection, "agents", id=f"agt_{slug}", slug=slug, name="A", description="", tags="[]", state="active",
                last_revision=0, **people, **OWN,
            )  # fmt: skip
    with migrated(empty_url) as session:
        seats = session.scalars(select(AgentOwner).order_by(AgentOwner.kind.desc())).all()
        assert [(one.agent_id, one.kind, one.member_id, one.state, one.hours) for one in seats] == [
            ("agt_both", "build", "mem_ann_1", "asked", {}), ("agt_both", "backup", "mem_bob_1", "asked", {}),
        ]  # fmt: skip


def version(connection: Connection, secret_id: str, number: int, state: str) -> None:
    put(
        connection, "secret_versions", secret_id=secret_id, version=number, workspace_id="ws_1", state=state,
        source="built_in", ciphertext=b"abc", nonce=b"def", key_id="key", reason="", created_at=NOW,
    )  # fmt: skip


def test_only_the_value_in_use_is_known_to_be_for_the_hosts_of_its_secret(empty_url: str) -> None:
    with database_at(empty_url, "0013") as connection:
        workspace(connection, 1)
        put(
            connection, "connections", id="con_1", environment_id="env_1", slug="erp", name="E", kind="mcp_http",
            config="{}", state="active", health="ok", version=1, **OWN,
        )  # fmt: skip
        secret(connection, "TOKEN", 3)
        for number, state in ((1, "erased"), (2, "superseded"), (3, "current")):
            version(connection, "sec_TOKEN", number, state)
        # It calls itself current, and its secret uses another: nothing is said of it.
        secret(connection, "ODD", 2)
        version(connection, "sec_ODD", 1, "current")
    with migrated(empty_url) as session:
        rows = session.execute(
            text("select secret_id, version, hosts is null from secret_versions order by secret_id, version")
        ).all()
        assert [(row[0], row[1], bool(row[2])) for row in rows] == [
            ("sec_ODD", 1, True), ("sec_TOKEN", 1, True), ("sec_TOKEN", 2, True), ("sec_TOKEN", 3, False),
        ]  # fmt: skip
        hosts = session.scalar(text("select hosts from secret_versions where secret_id = 'sec_TOKEN' and version = 3"))
        assert (json.loads(hosts) if isinstance(hosts, str) else hosts) == ["erp.example"]


def test_only_who_came_into_one_workspace_with_a_password_is_proven(empty_url: str) -> None:
    with database_at(empty_url, "0013") as connection:
        workspace(connection, 1)
        workspace(connection, 2)
        member(connection, "in_one", 1, password_hash="hash")
        member(connection, "in_two", 1, 2, password_hash="hash")
        member(connection, "invited", 1, password_hash="hash", has_accepted=False)
        member(connection, "without", 1)
        member(connection, "nowhere", password_hash="hash")
    with migrated(empty_url) as session:
        proven = session.scalars(select(Person.id).where(Person.address_proven_at.is_not(None))).all()
        assert list(proven) == ["per_in_one"]
        person = session.get_one(Person, "per_in_one")
        assert person.address_proven_at == person.created_at
        assert session.scalars(select(Member.invited_name).distinct()).all() == [None]
