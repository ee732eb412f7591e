"""Walls between workspaces; an audit that names the run, is signed, and can be let go of in order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from signoff.tables.immutable import audit_retention_ddl
from signoff.tables.walls import raise_walls

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _audit()
    _people()
    for statement in audit_retention_ddl(op.get_bind().dialect.name):
        op.execute(statement)
    raise_walls(op.get_bind())


def _audit() -> None:
    op.add_column("audit", sa.Column("run_id", sa.String(64)))
    op.add_column("audit", sa.Column("revision_id", sa.String(64)))
    for column in ("actor_id", "action", "run_id"):
        op.create_index(f"ix_audit_workspace_id_{column}_seq", "audit", ["workspace_id", column, "seq"])
    op.create_index("ix_audit_workspace_id_at", "audit", ["workspace_id", "at"])
    op.create_table(
        "audit_checkpoints",
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "seq", name="pk_audit_checkpoints"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_audit_checkpoints_workspace_id"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("public_key", sa.String(200), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_keys"),
    )


def _people() -> None:
    op.add_column("workspaces", sa.Column("suspended_at", MOMENT))
    op.add_column("workspaces", sa.Column("suspended_reason", sa.Text()))
    op.add_column("environments", sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("environments", sa.Column("daily_cap_usd", sa.BigInteger()))
    flag = sa.Column("is_instance_administrator", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("people", flag)
    # Production used to be last by its flag; now by its place.
    op.execute("UPDATE environments SET position = 1 WHERE is_production")
