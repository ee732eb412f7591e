"""Versions, grants and uses of secrets, and the keys of workspaces."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _secrets()
    _secret_versions()
    _secret_grants()
    _secret_uses()
    _data_keys()
    _copy_values()
    _grant_to_those_who_name()


def _secrets() -> None:
    for column in (
        sa.Column("sensitivity", sa.String(32), nullable=False, server_default="standard"),
        sa.Column("principal", sa.String(32), nullable=False, server_default="service"),
        sa.Column("owner_id", sa.String(64)),
        sa.Column("owner_name", sa.String(200)),
        sa.Column("expires_at", MOMENT),
        sa.Column("expiry_warned_days", sa.Integer()),
        # What the release before makes while this one migrates stays usable, and says so.
        sa.Column("is_open_to_all", sa.Boolean(), nullable=False, server_default=sa.true()),
    ):
        op.add_column("secrets", column)
    op.create_index("ix_secrets_workspace_id_expires_at", "secrets", ["workspace_id", "expires_at"])


def _secret_versions() -> None:
    op.create_table(
        "secret_versions",
        sa.Column("secret_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("reference", sa.Text()),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("restored_from", sa.Integer()),
        sa.Column("created_by", sa.String(64)),
        sa.Column("created_by_name", sa.String(200)),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("secret_id", "version", name="pk_secret_versions"),
        # The release before deletes secrets without knowing of their versions.
        sa.ForeignKeyConstraint(["secret_id"], ["secrets.id"], name="fk_secret_versions_secret_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_secret_versions_workspace_id"),
    )
    op.create_index("ix_secret_versions_workspace_id_secret_id", "secret_versions", ["workspace_id", "secret_id"])
    op.create_index("ix_secret_versions_key_id", "secret_versions", ["key_id"])


def _secret_grants() -> None:
    op.create_table(
        "secret_grants",
        sa.Column("secret_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("granted_by", sa.String(64)),
        sa.Column("granted_by_name", sa.String(200)),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("secret_id", "agent_id", name="pk_secret_grants"),
        sa.ForeignKeyConstraint(["secret_id"], ["secrets.id"], name="fk_secret_grants_secret_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_secret_grants_agent_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_secret_grants_workspace_id"),
    )
    op.create_index("ix_secret_grants_workspace_id_agent_id", "secret_grants", ["workspace_id", "agent_id"])


def _secret_uses() -> None:
    op.create_table(
        "secret_uses",
        sa.Column("secret_id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("agent_name", sa.String(200), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("secret_id", "run_id", "version", name="pk_secret_uses"),
        sa.ForeignKeyConstraint(["secret_id"], ["secrets.id"], name="fk_secret_uses_secret_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_secret_uses_workspace_id"),
    )
    columns = ["workspace_id", "secret_id", "first_at"]
    op.create_index("ix_secret_uses_workspace_id_secret_id_first_at", "secret_uses", columns)
    op.create_index("ix_secret_uses_first_at", "secret_uses", ["first_at"])


def _data_keys() -> None:
    op.create_table(
        "data_keys",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_keys"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_data_keys_workspace_id"),
        sa.UniqueConstraint("workspace_id", "number", name="uq_data_keys_workspace_id_number"),
    )
    op.create_index("ix_data_keys_key_id", "data_keys", ["key_id"])


def _copy_values() -> None:
    """Make today's value the first known version. The old columns stay: the release before reads them."""
    op.execute(
        "insert into secret_versions (secret_id, version, workspace_id, state, source, ciphertext, nonce, key_id, "
        "reason, created_at) select id, version, workspace_id, 'current', 'built_in', ciphertext, nonce, key_id, "
        "'', coalesce(rotated_at, created_at) from secrets where key_id <> ''"
    )


def _grant_to_those_who_name() -> None:
    """Grant each secret to the agents of its workspace whose draft or any revision lists it, and close it to others.

    Any revision, not only those that serve: a run that waits may go on under an older one.
    """
    bind = op.get_bind()
    secrets = sa.table(
        "secrets",
        sa.column("id"),
        sa.column("workspace_id"),
        sa.column("name"),
        sa.column("is_open_to_all", sa.Boolean),
    )
    named: dict[tuple[str, str], set[str]] = {}
    for name in ("drafts", "revisions"):
        table = sa.table(name, sa.column("agent_id"), sa.column("workspace_id"), sa.column("body", JSON))
        rows = bind.execute(sa.select(table.c.agent_id, table.c.workspace_id, table.c.body["secrets"]))
        for agent_id, workspace_id, listed in rows:
            for text in cast("list[Any]", listed) if isinstance(listed, list) else ():
                if isinstance(text, str):
                    named.setdefault((workspace_id, text), set()).add(agent_id)
    grants = sa.table(
        "secret_grants", sa.column("secret_id"), sa.column("agent_id"), sa.column("workspace_id"),
        sa.column("granted_by_name"), sa.column("granted_at", MOMENT),
    )  # fmt: skip
    wanted = [
        {"secret_id": row.id, "agent_id": agent_id, "workspace_id": row.workspace_id, "granted_by_name": "the upgrade"}
        for row in bind.execute(sa.select(secrets.c.id, secrets.c.workspace_id, secrets.c.name)).all()
        for agent_id in sorted(named.get((row.workspace_id, row.name), ()))
    ]
    if wanted:
        bind.execute(sa.insert(grants).values(granted_at=sa.func.current_timestamp()), wanted)
    bind.execute(sa.update(secrets).values(is_open_to_all=sa.false()))
