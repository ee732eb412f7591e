"""What does the work, and what it is connected to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from signoff.tables.migrations.triggers import forbid_changes

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _agents()
    _connections()
    _drafts()
    _refused_saves()
    _revisions()
    _secrets()
    _tools()
    _deployments()
    _live_revisions()
    for table in (
        "revisions",
        "deployments",
    ):
        forbid_changes(table)


def _agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.String(64)),
        sa.Column("backup_id", sa.String(64)),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("last_revision", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agents"),
        sa.ForeignKeyConstraint(["backup_id"], ["members.id"], name="fk_agents_backup_id"),
        sa.ForeignKeyConstraint(["owner_id"], ["members.id"], name="fk_agents_owner_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_agents_workspace_id"),
        sa.UniqueConstraint("workspace_id", "slug", name="uq_agents_workspace_id_slug"),
    )
    op.create_index("ix_agents_workspace_id_id", "agents", ["workspace_id", "id"])


def _connections() -> None:
    op.create_table(
        "connections",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("health", sa.String(32), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("broken_at", MOMENT),
        sa.Column("checked_at", MOMENT),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_connections"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_connections_environment_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_connections_workspace_id"),
        sa.UniqueConstraint("environment_id", "slug", name="uq_connections_environment_id_slug"),
    )
    op.create_index("ix_connections_workspace_id_id", "connections", ["workspace_id", "id"])


def _drafts() -> None:
    op.create_table(
        "drafts",
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("updated_by", sa.String(64), nullable=False),
        sa.Column("updated_by_name", sa.String(200), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("agent_id", name="pk_drafts"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_drafts_agent_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_drafts_workspace_id"),
    )


def _refused_saves() -> None:
    op.create_table(
        "refused_saves",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("author_id", sa.String(64), nullable=False),
        sa.Column("author_name", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refused_saves"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_refused_saves_agent_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_refused_saves_workspace_id"),
    )
    op.create_index("ix_refused_saves_agent_id_id", "refused_saves", ["agent_id", "id"])


def _revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("author_id", sa.String(64), nullable=False),
        sa.Column("author_name", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revisions"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_revisions_agent_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_revisions_workspace_id"),
        sa.UniqueConstraint("agent_id", "number", name="uq_revisions_agent_id_number"),
    )
    op.create_index("ix_revisions_workspace_id_id", "revisions", ["workspace_id", "id"])


def _secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("hosts", JSON, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("rotated_at", MOMENT),
        sa.Column("last_used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_secrets"),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_secrets_connection_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_secrets_environment_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_secrets_workspace_id"),
        sa.UniqueConstraint("environment_id", "name", name="uq_secrets_environment_id_name"),
    )
    op.create_index("ix_secrets_workspace_id_id", "secrets", ["workspace_id", "id"])


def _tools() -> None:
    op.create_table(
        "tools",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("definition_hash", sa.String(64), nullable=False),
        sa.Column("offered", JSON),
        sa.Column("offered_hash", sa.String(64)),
        sa.Column("effect", sa.String(32), nullable=False),
        sa.Column("effect_source", sa.String(32), nullable=False),
        sa.Column("is_idempotent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("discovered_at", MOMENT, nullable=False),
        sa.Column("accepted_at", MOMENT),
        sa.Column("accepted_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_tools"),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_tools_connection_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_tools_workspace_id"),
        sa.UniqueConstraint("connection_id", "name", name="uq_tools_connection_id_name"),
    )
    op.create_index("ix_tools_workspace_id", "tools", ["workspace_id"])


def _deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("revision_id", sa.String(64), nullable=False),
        sa.Column("previous_revision_id", sa.String(64)),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("actor_name", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deployments"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_deployments_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_deployments_environment_id"),
        sa.ForeignKeyConstraint(["previous_revision_id"], ["revisions.id"], name="fk_deployments_previous_revision_id"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_deployments_revision_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_deployments_workspace_id"),
    )
    op.create_index("ix_deployments_agent_id_id", "deployments", ["agent_id", "id"])


def _live_revisions() -> None:
    op.create_table(
        "live_revisions",
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("revision_id", sa.String(64), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("agent_id", "environment_id", name="pk_live_revisions"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_live_revisions_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_live_revisions_environment_id"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_live_revisions_revision_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_live_revisions_workspace_id"),
    )
