"""What bounds a call, and what needs someone's eyes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _alerts()
    _freezes()
    _price_overrides()
    _spend_counters()
    _streaks()
    _cached_answers()
    _reservations()


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("open_key", sa.String(200)),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("resolved_at", MOMENT),
        sa.Column("resolved_by_name", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_alerts_workspace_id"),
        sa.UniqueConstraint("workspace_id", "open_key", name="uq_alerts_workspace_id_open_key"),
    )
    op.create_index("ix_alerts_workspace_id_id", "alerts", ["workspace_id", "id"])


def _freezes() -> None:
    op.create_table(
        "freezes",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("target_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ordered_by", sa.String(64), nullable=False),
        sa.Column("ordered_by_name", sa.String(200), nullable=False),
        sa.Column("ordered_at", MOMENT, nullable=False),
        sa.Column("lifted_at", MOMENT),
        sa.Column("lifted_by_name", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_freezes"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_freezes_workspace_id"),
    )
    op.create_index("ix_freezes_workspace_id_lifted_at", "freezes", ["workspace_id", "lifted_at"])


def _price_overrides() -> None:
    op.create_table(
        "price_overrides",
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("input_usd", sa.BigInteger(), nullable=False),
        sa.Column("output_usd", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "model", name="pk_price_overrides"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_price_overrides_workspace_id"),
    )


def _spend_counters() -> None:
    op.create_table(
        "spend_counters",
        sa.Column("pot", sa.String(200), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("spent_usd", sa.BigInteger(), nullable=False),
        sa.Column("held_usd", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pot", name="pk_spend_counters"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_spend_counters_workspace_id"),
    )


def _streaks() -> None:
    op.create_table(
        "streaks",
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "key", name="pk_streaks"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_streaks_workspace_id"),
    )


def _cached_answers() -> None:
    op.create_table(
        "cached_answers",
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("response", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("agent_id", "request_hash", name="pk_cached_answers"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_cached_answers_agent_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_cached_answers_workspace_id"),
    )
    op.create_index("ix_cached_answers_created_at", "cached_answers", ["created_at"])


def _reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("step_key", sa.String(200), nullable=False),
        sa.Column("pots", JSON, nullable=False),
        sa.Column("amount_usd", sa.BigInteger(), nullable=False),
        sa.Column("settled_usd", sa.BigInteger()),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reservations"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_reservations_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_reservations_workspace_id"),
    )
    op.create_index("ix_reservations_run_id_state", "reservations", ["run_id", "state"])
