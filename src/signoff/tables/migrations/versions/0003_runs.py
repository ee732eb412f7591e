"""The work itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
# SQLite counts up by itself only in a column of exactly this type.
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _runs()
    _effects()
    _legs()
    _run_events()
    _run_messages()
    _steps()


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("revision_id", sa.String(64), nullable=False),
        sa.Column("agent_slug", sa.String(63), nullable=False),
        sa.Column("agent_name", sa.String(200), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("waiting_for", sa.String(32)),
        sa.Column("resume_at", MOMENT),
        sa.Column("code", sa.String(200)),
        sa.Column("reason", sa.Text()),
        sa.Column("failed_step", sa.String(200)),
        sa.Column("needs_attention", sa.Boolean(), nullable=False),
        sa.Column("is_cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(32), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("replay_of", sa.String(64)),
        sa.Column("external_id", sa.String(200)),
        sa.Column("input_key", sa.String(200)),
        sa.Column("requested_by", sa.String(64), nullable=False),
        sa.Column("requested_by_name", sa.String(200), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("input", JSON, nullable=False),
        sa.Column("output", JSON, nullable=False),
        sa.Column("is_scripted", sa.Boolean(), nullable=False),
        sa.Column("is_truncated", sa.Boolean(), nullable=False),
        sa.Column("is_price_unknown", sa.Boolean(), nullable=False),
        sa.Column("cost_usd", sa.BigInteger(), nullable=False),
        sa.Column("tokens_in", sa.BigInteger(), nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), nullable=False),
        sa.Column("model_calls", sa.Integer(), nullable=False),
        sa.Column("tool_calls", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("deadline_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_runs_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_runs_environment_id"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_runs_revision_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_runs_workspace_id"),
        sa.UniqueConstraint("workspace_id", "external_id", name="uq_runs_workspace_id_external_id"),
        sa.UniqueConstraint(
            "agent_id", "environment_id", "input_key", name="uq_runs_agent_id_environment_id_input_key"
        ),
    )
    op.create_index("ix_runs_agent", "runs", ["agent_id", "id"])
    op.create_index("ix_runs_agent_state", "runs", ["agent_id", "state", "id"])
    op.create_index("ix_runs_attention", "runs", ["workspace_id", "needs_attention", "id"])
    op.create_index(
        "ix_runs_filter",
        "runs",
        [
            "workspace_id",
            "id",
            "state",
            "agent_id",
            "environment_id",
            "revision_number",
            "source",
            "origin",
            "needs_attention",
            "requested_by",
        ],
    )
    op.create_index("ix_runs_resume", "runs", ["state", "resume_at"])
    op.create_index("ix_runs_revision", "runs", ["revision_id", "id"])
    op.create_index("ix_runs_search", "runs", ["workspace_id", "id", "search_text"])
    op.create_index("ix_runs_state", "runs", ["workspace_id", "state", "id"])


def _effects() -> None:
    op.create_table(
        "effects",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("call_id", sa.String(200), nullable=False),
        sa.Column("tool", sa.String(200), nullable=False),
        sa.Column("effect", sa.String(32), nullable=False),
        sa.Column("args", JSON, nullable=False),
        sa.Column("args_hash", sa.String(200), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("result", JSON, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("intended_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("settled_by", sa.String(64)),
        sa.Column("settled_by_name", sa.String(200)),
        sa.Column("settlement", sa.String(32)),
        sa.PrimaryKeyConstraint("key", name="pk_effects"),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_effects_connection_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_effects_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_effects_workspace_id"),
    )
    op.create_index("ix_effects_open", "effects", ["workspace_id", "state", "key"])
    op.create_index("ix_effects_run_id", "effects", ["run_id"])


def _legs() -> None:
    op.create_table(
        "legs",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("worker", sa.String(200)),
        sa.Column("holds", JSON, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_legs"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_legs_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_legs_workspace_id"),
    )


def _run_events() -> None:
    op.create_table(
        "run_events",
        sa.Column("id", SEQUENCE, nullable=False, autoincrement=True),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run_events"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_events_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_run_events_workspace_id"),
    )
    op.create_index("ix_run_events_run_id_id", "run_events", ["run_id", "id"])
    op.create_index("ix_run_events_workspace_id_id", "run_events", ["workspace_id", "id"])


def _run_messages() -> None:
    op.create_table(
        "run_messages",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq", name="pk_run_messages"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_messages_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_run_messages_workspace_id"),
    )


def _steps() -> None:
    op.create_table(
        "steps",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(200)),
        sa.Column("reason", sa.Text()),
        sa.Column("effect", sa.String(32)),
        sa.Column("verdicts", JSON, nullable=False),
        sa.Column("request", JSON, nullable=False),
        sa.Column("response", JSON, nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("messages_before", sa.Integer()),
        sa.Column("model", sa.String(200)),
        sa.Column("cost_usd", sa.BigInteger()),
        sa.Column("tokens_in", sa.BigInteger()),
        sa.Column("tokens_out", sa.BigInteger()),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_steps"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_steps_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_steps_workspace_id"),
        sa.UniqueConstraint("run_id", "key", name="uq_steps_run_id_key"),
    )
    op.create_index("ix_steps_run_id_seq", "steps", ["run_id", "seq"])
