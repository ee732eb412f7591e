"""The step to versions of secrets: what a release before it kept goes on working, and that release too."""

from __future__ import annotations

import json
from typing import Any

from alembic import command
from sqlalchemy import JSON, Connection, column, insert, select, table, text

from signoff.tables import migrate as migrations
from signoff.tables.migrate import migrate
from signoff.tables.session import open_engine

NOW = "2026-01-01 00:00:00+00:00"


def put(connection: Connection, into: str, /, **values: Any) -> None:
    """Add a row as an older release would, which knows fewer columns."""
    if connection.dialect.name == "postgresql":
        values = {key: value.decode() if isinstance(value, bytes) else value for key, value in values.items()}
    connection.execute(insert(table(into, *(column(key) for key in values))).values(values))


def secret(connection: Connection, name: str, version: int) -> None:
    put(
        connection, "secrets", id=f"sec_{name}", workspace_id="ws_1", environment_id="env_1", name=name, description="",
        connection_id="con_1", hosts='["erp.example"]', ciphertext=b"abc", nonce=b"def", key_id="key", version=version,
        created_at=NOW,
    )  # fmt: skip


def before(connection: Connection) -> None:
    """A workspace with one secret; one agent lists it in its draft, one in a revision, one says nonsense."""
    own: dict[str, Any] = {"workspace_id": "ws_1", "created_at": NOW}
    put(connection, "workspaces", id="ws_1", slug="acme", name="A", time_zone="UTC", created_at=NOW)
    put(connection, "environments", id="env_1", slug="production", name="P", is_production=True, **own)
    put(
        connection, "connections", id="con_1", environment_id="env_1", slug="erp", name="E", kind="mcp_http",
        config="{}", state="active", health="ok", version=1, **own,
    )  # fmt: skip
    for name, listed in (("drafts", ["TOKEN"]), ("serves", []), ("other", "TOKEN")):
        put(
            connection, "agents", id=f"agt_{name}", slug=name, name="A", description="", tags="[]", state="active",
            last_revision=0, **own,
        )  # fmt: skip
        put(
            connection, "drafts", agent_id=f"agt_{name}", workspace_id="ws_1", version=1, updated_by="m",
            body=json.dumps({"secrets": listed}), updated_by_name="M", updated_at=NOW,
        )  # fmt: skip
    put(
        connection, "revisions", id="rev_1", agent_id="agt_serves", number=1, hash="h", name="", author_id="m",
        body=json.dumps({"secrets": ["TOKEN", "X", 7]}), author_name="M", reason="", **own,
    )  # fmt: skip
    secret(connection, "TOKEN", 7)


def test_values_become_versions_and_agents_that_list_them_are_granted_them(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with engine.connect() as connection:
        command.upgrade(migrations._config(connection), "0004")
        connection.commit()
    with engine.begin() as connection:
        before(connection)
    migrate(empty_url)
    with engine.begin() as connection:
        versions = connection.execute(text("select version, state, source, key_id from secret_versions")).all()
        assert [tuple(row) for row in versions] == [(7, "current", "built_in", "key")]
        hosts = connection.execute(select(column("hosts", JSON)).select_from(table("secret_versions"))).scalars().all()
        assert hosts == [["erp.example"]]
        granted = connection.execute(text("select agent_id from secret_grants order by agent_id")).scalars().all()
        assert granted == ["agt_drafts", "agt_serves"]
        assert open_to_all(connection, "sec_TOKEN") is False
        # The release before knows nothing of versions and grants, and still enters and deletes secrets.
        secret(connection, "NEW", 1)
        assert open_to_all(connection, "sec_NEW") is True
        connection.execute(text("delete from secrets"))
        for name in ("secret_versions", "secret_grants"):
            assert connection.execute(select(text("count(*)")).select_from(table(name))).scalar() == 0
    engine.dispose()


def open_to_all(connection: Connection, secret_id: str) -> bool:
    found = connection.execute(text("select is_open_to_all from secrets where id = :id"), {"id": secret_id})
    return bool(found.scalar())
