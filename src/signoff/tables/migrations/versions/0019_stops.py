"""Pauses of agents, orders to call many runs off, and when workers knew of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from signoff.tables.walls import raise_walls

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _pauses()
    _orders()
    _marks()
    raise_walls(op.get_bind())


def _pauses() -> None:
    op.create_table(
        "agent_pauses",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("paused_by", sa.String(64), nullable=False),
        sa.Column("paused_by_name", sa.String(200), nullable=False),
        sa.Column("paused_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT),
        sa.Column("resumed_at", MOMENT),
        sa.Column("resumed_by_name", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_agent_pauses"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_agent_pauses_workspace_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_agent_pauses_agent_id"),
    )
    op.create_index("ix_agent_pauses_agent_id_resumed_at", "agent_pauses", ["agent_id", "resumed_at"])
    op.create_index("ix_agent_pauses_workspace_id_resumed_at", "agent_pauses", ["workspace_id", "resumed_at"])


def _orders() -> None:
    op.create_table(
        "stop_orders",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64)),
        sa.Column("wanted", JSON, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ordered_by", sa.String(64), nullable=False),
        sa.Column("ordered_by_name", sa.String(200), nullable=False),
        sa.Column("ordered_at", MOMENT, nullable=False),
        sa.Column("found", JSON, nullable=False),
        sa.Column("asked", JSON, nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_stop_orders"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_stop_orders_workspace_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_stop_orders_agent_id"),
    )
    op.create_index("ix_stop_orders_workspace_id_id", "stop_orders", ["workspace_id", "id"])
    op.create_index("ix_stop_orders_agent_id_id", "stop_orders", ["agent_id", "id"])


def _marks() -> None:
    op.create_table(
        "stop_marks",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("ordered_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stop_marks"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_stop_marks_workspace_id"),
    )
    op.create_index("ix_stop_marks_ordered_at", "stop_marks", ["ordered_at"])
    op.create_table(
        "stop_sightings",
        sa.Column("mark_id", sa.String(64), nullable=False),
        sa.Column("worker", sa.String(200), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("mark_id", "worker", name="pk_stop_sightings"),
        sa.ForeignKeyConstraint(["mark_id"], ["stop_marks.id"], name="fk_stop_sightings_mark_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_stop_sightings_workspace_id"),
    )
