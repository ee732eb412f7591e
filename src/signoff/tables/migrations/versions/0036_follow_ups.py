"""The first week of agents in production, day by day, and their reviews."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from signoff.tables.walls import raise_walls

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    _follow_ups()
    _follow_up_days()
    _reviews()
    raise_walls(op.get_bind())


def _follow_ups() -> None:
    op.create_table(
        "follow_ups",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("state_since", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tier", sa.String(32), nullable=False),
        sa.Column("live_at", MOMENT, nullable=False),
        sa.Column("revision_id", sa.String(64), nullable=False),
        sa.Column("counted_from", sa.String(32), nullable=False),
        sa.Column("judged_until", sa.String(32)),
        sa.Column("good_days", sa.Integer(), nullable=False),
        sa.Column("ended_how", sa.String(32)),
        sa.Column("ended_reason", sa.Text()),
        sa.Column("ended_by", sa.String(64)),
        sa.Column("ended_by_name", sa.String(200)),
        sa.Column("first_review_at", MOMENT),
        sa.Column("next_review_at", MOMENT),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_follow_ups"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_follow_ups_workspace_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_follow_ups_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_follow_ups_environment_id"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_follow_ups_revision_id"),
        sa.UniqueConstraint("agent_id", "environment_id", name="uq_follow_ups_agent_id_environment_id"),
    )
    op.create_index("ix_follow_ups_due_at_id", "follow_ups", ["due_at", "id"])
    op.create_index("ix_follow_ups_workspace_id_id", "follow_ups", ["workspace_id", "id"])


def _follow_up_days() -> None:
    op.create_table(
        "follow_up_days",
        sa.Column("follow_up_id", sa.String(64), nullable=False),
        sa.Column("day", sa.String(32), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(32)),
        sa.Column("items", JSON, nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("needed_input_percent", sa.Float()),
        sa.Column("cost_usd", sa.Float()),
        sa.Column("seconds", sa.Float()),
        sa.Column("good_days", sa.Integer(), nullable=False),
        sa.Column("judged_at", MOMENT),
        sa.Column("reading", sa.String(32)),
        sa.Column("read_runs", JSON, nullable=False),
        sa.Column("read_note", sa.Text()),
        sa.Column("read_by", sa.String(64)),
        sa.Column("read_by_name", sa.String(200)),
        sa.Column("read_at", MOMENT),
        sa.PrimaryKeyConstraint("follow_up_id", "day", name="pk_follow_up_days"),
        sa.ForeignKeyConstraint(["follow_up_id"], ["follow_ups.id"], name="fk_follow_up_days_follow_up_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_follow_up_days_workspace_id"),
    )


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("open_key", sa.String(200)),
        sa.Column("period_from", MOMENT, nullable=False),
        sa.Column("period_until", MOMENT, nullable=False),
        sa.Column("metrics", JSON, nullable=False),
        sa.Column("assigned_to", sa.String(64)),
        sa.Column("assigned_to_name", sa.String(200)),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("overdue_told_at", MOMENT),
        sa.Column("note", sa.Text()),
        sa.Column("done_by", sa.String(64)),
        sa.Column("done_by_name", sa.String(200)),
        sa.Column("done_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_reviews_workspace_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_reviews_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_reviews_environment_id"),
        sa.UniqueConstraint("open_key", name="uq_reviews_open_key"),
    )
    op.create_index("ix_reviews_agent_id_id", "reviews", ["agent_id", "id"])
    op.create_index("ix_reviews_due_at_id", "reviews", ["due_at", "id"])
    op.create_index("ix_reviews_workspace_id_id", "reviews", ["workspace_id", "id"])
