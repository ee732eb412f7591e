"""What agents keep between runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "agent_memories",
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(32)),
        sa.Column("fixed_at", MOMENT),
        sa.Column("fixed_by", sa.String(64)),
        sa.Column("fixed_by_name", sa.String(200)),
        sa.PrimaryKeyConstraint("agent_id", name="pk_agent_memories"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_agent_memories_agent_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_agent_memories_workspace_id"),
    )
    _entries()
    op.create_table(
        "memory_versions",
        sa.Column("entry_id", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("label", sa.String(32), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "number", name="pk_memory_versions"),
        sa.ForeignKeyConstraint(["entry_id"], ["memory_entries.id"], name="fk_memory_versions_entry_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_memory_versions_workspace_id"),
    )


def _entries() -> None:
    op.create_table(
        "memory_entries",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("label", sa.String(32), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("flag", sa.String(200), nullable=False),
        sa.Column("reviewed_at", MOMENT),
        sa.Column("reviewed_by_name", sa.String(200)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("step_key", sa.String(200)),
        sa.Column("revision_id", sa.String(64)),
        sa.Column("revision_number", sa.Integer()),
        sa.Column("written_by", sa.String(64), nullable=False),
        sa.Column("written_by_name", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("erased_at", MOMENT),
        sa.Column("erased_by", sa.String(64)),
        sa.Column("erased_by_name", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_memory_entries"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_memory_entries_workspace_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_memory_entries_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_memory_entries_environment_id"),
    )
    op.create_index(
        "ix_memory_entries_place",
        "memory_entries",
        ["agent_id", "environment_id", "member_id", "erased_at", "id"],
    )
    op.create_index("ix_memory_entries_agent", "memory_entries", ["agent_id", "erased_at", "id"])
    op.create_index("ix_memory_entries_member", "memory_entries", ["workspace_id", "member_id", "erased_at", "id"])
