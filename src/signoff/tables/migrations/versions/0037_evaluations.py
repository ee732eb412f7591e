"""Datasets of examples, evaluators, evaluations and their results; and of a run, which evaluation asked for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from signoff.tables.walls import raise_walls

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("runs", sa.Column("evaluation_id", sa.String(64)))
    _datasets()
    _examples()
    _evaluators()
    _evaluations()
    _evaluation_results()
    raise_walls(op.get_bind())


def _datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("is_golden", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tolerance", sa.Float(), nullable=False),
        sa.Column("every", sa.String(32)),
        sa.Column("at_hour", sa.Integer(), nullable=False),
        sa.Column("is_of_each_revision", sa.Boolean(), nullable=False),
        sa.Column("scheduled_in", sa.String(64)),
        sa.Column("scheduled_usd", sa.BigInteger()),
        sa.Column("scheduled_by", sa.String(64)),
        sa.Column("scheduled_by_name", sa.String(200)),
        sa.Column("next_at", MOMENT),
        sa.Column("revision_seen", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_by_name", sa.String(200), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("archived_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_datasets_agent_id"),
        sa.ForeignKeyConstraint(["scheduled_in"], ["environments.id"], name="fk_datasets_scheduled_in"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_datasets_workspace_id"),
        sa.UniqueConstraint("agent_id", "slug", name="uq_datasets_agent_id_slug"),
    )
    op.create_index("ix_datasets_agent_id_id", "datasets", ["agent_id", "id"])
    op.create_index("ix_datasets_next_at_id", "datasets", ["next_at", "id"])
    op.create_index("ix_datasets_workspace_id_id", "datasets", ["workspace_id", "id"])


def _examples() -> None:
    op.create_table(
        "examples",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("dataset_id", sa.String(64), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("input", JSON, nullable=False),
        sa.Column("expected", JSON, nullable=False),
        sa.Column("is_critical", sa.Boolean(), nullable=False),
        sa.Column("split", sa.String(32), nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("from_run_id", sa.String(64)),
        sa.Column("present_run", sa.String(200)),
        sa.Column("replaces", sa.String(64)),
        sa.Column("added_in", sa.Integer(), nullable=False),
        sa.Column("removed_in", sa.Integer()),
        sa.Column("added_by", sa.String(64), nullable=False),
        sa.Column("added_by_name", sa.String(200), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_examples"),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_examples_dataset_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_examples_workspace_id"),
        sa.UniqueConstraint("present_run", name="uq_examples_present_run"),
    )
    op.create_index("ix_examples_dataset_id_id", "examples", ["dataset_id", "id"])
    op.create_index("ix_examples_dataset_id_removed_in_id", "examples", ["dataset_id", "removed_in", "id"])


def _evaluators() -> None:
    op.create_table(
        "evaluators",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_by_name", sa.String(200), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_evaluators"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_evaluators_agent_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_evaluators_workspace_id"),
        sa.UniqueConstraint("agent_id", "name", name="uq_evaluators_agent_id_name"),
    )
    op.create_index("ix_evaluators_agent_id_id", "evaluators", ["agent_id", "id"])


def _evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("dataset_id", sa.String(64), nullable=False),
        sa.Column("dataset_version", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.String(64), nullable=False),
        sa.Column("draft_version", sa.Integer()),
        sa.Column("baseline_revision_id", sa.String(64)),
        sa.Column("baseline_from", sa.String(64)),
        sa.Column("evaluators", JSON, nullable=False),
        sa.Column("evaluators_hash", sa.String(64), nullable=False),
        sa.Column("tolerance", sa.Float(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("code", sa.String(200)),
        sa.Column("reason", sa.Text()),
        sa.Column("trigger", sa.String(32), nullable=False),
        sa.Column("examples", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float()),
        sa.Column("baseline_score", sa.Float()),
        sa.Column("critical_lost", JSON, nullable=False),
        sa.Column("verdict", sa.String(32)),
        sa.Column("reasons", JSON, nullable=False),
        sa.Column("warnings", JSON, nullable=False),
        sa.Column("summary", JSON, nullable=False),
        sa.Column("cost_usd", sa.BigInteger(), nullable=False),
        sa.Column("baseline_cost_usd", sa.BigInteger(), nullable=False),
        sa.Column("p50_seconds", sa.Float()),
        sa.Column("baseline_p50_seconds", sa.Float()),
        sa.Column("cap_usd", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", sa.String(64), nullable=False),
        sa.Column("requested_by_name", sa.String(200), nullable=False),
        sa.Column("requested_with", sa.String(64)),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by_name", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_evaluations"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_evaluations_agent_id"),
        sa.ForeignKeyConstraint(["baseline_revision_id"], ["revisions.id"], name="fk_evaluations_baseline_revision_id"),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_evaluations_dataset_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_evaluations_environment_id"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_evaluations_revision_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_evaluations_workspace_id"),
    )
    op.create_index("ix_evaluations_agent_id_id", "evaluations", ["agent_id", "id"])
    op.create_index("ix_evaluations_baseline_revision_id_id", "evaluations", ["baseline_revision_id", "id"])
    op.create_index("ix_evaluations_dataset_id_id", "evaluations", ["dataset_id", "id"])
    op.create_index(
        "ix_evaluations_revision_id_environment_id_state_id",
        "evaluations",
        ["revision_id", "environment_id", "state", "id"],
    )
    op.create_index("ix_evaluations_workspace_id_id", "evaluations", ["workspace_id", "id"])


def _evaluation_results() -> None:
    op.create_table(
        "evaluation_results",
        sa.Column("evaluation_id", sa.String(64), nullable=False),
        sa.Column("example_id", sa.String(64), nullable=False),
        sa.Column("side", sa.String(32), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("outcome", sa.String(32)),
        sa.Column("output", JSON, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("score", sa.Float()),
        sa.Column("scores", JSON, nullable=False),
        sa.Column("judged", JSON, nullable=False),
        sa.Column("cost_usd", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float()),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("evaluation_id", "example_id", "side", name="pk_evaluation_results"),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluations.id"], name="fk_evaluation_results_evaluation_id"),
        sa.ForeignKeyConstraint(["example_id"], ["examples.id"], name="fk_evaluation_results_example_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_evaluation_results_workspace_id"),
    )
    op.create_index(
        "ix_evaluation_results_evaluation_id_state_example_id",
        "evaluation_results",
        ["evaluation_id", "state", "example_id"],
    )
