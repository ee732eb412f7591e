"""What people are told of by itself: matters, and the messages about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _notices()
    _notice_deliveries()


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("agent_id", sa.String(64)),
        sa.Column("about", sa.String(64), nullable=False),
        sa.Column("untold", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("told_at", MOMENT),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_notices_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("workspace_id", "key", name="uq_notices_workspace_id_key"),
    )
    op.create_index("ix_notices_last_at", "notices", ["last_at"])


def _notice_deliveries() -> None:
    op.create_table(
        "notice_deliveries",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("notice_id", sa.String(64), nullable=False),
        sa.Column("telling", sa.String(200), nullable=False),
        sa.Column("target", sa.String(200), nullable=False),
        sa.Column("channel_id", sa.String(64)),
        sa.Column("member_id", sa.String(64)),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name="fk_notice_deliveries_notice_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_notice_deliveries_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notice_deliveries"),
        sa.UniqueConstraint("notice_id", "telling", "target", name="uq_notice_deliveries_notice_id_telling_target"),
    )
    op.create_index("ix_notice_deliveries_made_at", "notice_deliveries", ["made_at"])
    op.create_index("ix_notice_deliveries_workspace_id_id", "notice_deliveries", ["workspace_id", "id"])
