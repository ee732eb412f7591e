"""Roles of a workspace's own, grants on one agent, who may make live where, and the owner of last resort."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _roles()
    _grants()
    op.add_column("workspaces", sa.Column("last_resort_id", sa.String(64)))
    for name in ("is_deploy_restricted", "is_four_eyes"):
        op.add_column("environments", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("revisions", sa.Column("drafted_by", sa.String(64)))
    # Every workspace has an owner; the one who was there first is named until somebody names another.
    op.execute(
        "update workspaces set last_resort_id = (select min(members.id) from members "
        "where members.workspace_id = workspaces.id and members.role = 'owner' and members.state = 'active')"
    )
    # The presets that were a manager with scopes are an administrator with the same scopes: what they may do is
    # unchanged, though a manager now reads only the runs that are their own. Such keys always have scopes.
    op.execute("update api_keys set role = 'administrator' where role = 'manager'")


def _roles() -> None:
    op.create_table(
        "roles",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("slug", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("permissions", JSON, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roles"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_roles_workspace_id"),
        sa.UniqueConstraint("workspace_id", "slug", name="uq_roles_workspace_id_slug"),
    )


def _grants() -> None:
    op.create_table(
        "agent_grants",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("holder_kind", sa.String(32), nullable=False),
        sa.Column("holder_id", sa.String(64), nullable=False),
        sa.Column("level", sa.String(32), nullable=False),
        sa.Column("granted_by", sa.String(64), nullable=False),
        sa.Column("granted_by_name", sa.String(200), nullable=False),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agent_grants"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_agent_grants_agent_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_agent_grants_workspace_id"),
        sa.UniqueConstraint("agent_id", "holder_id", "level", name="uq_agent_grants_agent_id_holder_id_level"),
    )
    op.create_index("ix_agent_grants_workspace_id_holder_id", "agent_grants", ["workspace_id", "holder_id"])
