"""What each version of a draft was: saves are undone, redone and looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from signoff.tables.walls import raise_walls

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Drafts that exist get their first row with their next change.
    op.create_table(
        "draft_saves",
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("body", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("chars", sa.Integer(), nullable=False),
        sa.Column("undo_to", sa.Integer()),
        sa.Column("redo_to", sa.Integer()),
        sa.Column("revision", sa.Integer()),
        sa.Column("author_id", sa.String(64), nullable=False),
        sa.Column("author_name", sa.String(200), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", "version", name="pk_draft_saves"),
        sa.ForeignKeyConstraint(["agent_id"], ["drafts.agent_id"], name="fk_draft_saves_agent_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_draft_saves_workspace_id"),
    )
    raise_walls(op.get_bind())
