"""Incidents: how bad, who saw to them and when, what served then, their timeline, tasks and runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from signoff.tables.walls import raise_walls

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    _incidents()
    _incident_entries()
    _incident_tasks()
    _incident_runs()
    raise_walls(op.get_bind())


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64)),
        sa.Column("environment_id", sa.String(64)),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("symptom", sa.String(32), nullable=False),
        sa.Column("severity", sa.String(32), nullable=False),
        sa.Column("why_severity", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("alert_id", sa.String(64)),
        sa.Column("open_key", sa.String(200)),
        sa.Column("revision_id", sa.String(64)),
        sa.Column("release_id", sa.String(64)),
        sa.Column("candidate_release_id", sa.String(64)),
        sa.Column("evaluation_id", sa.String(64)),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("opened_by", sa.String(64), nullable=False),
        sa.Column("opened_by_name", sa.String(200), nullable=False),
        sa.Column("acknowledged_at", MOMENT),
        sa.Column("acknowledged_by", sa.String(64)),
        sa.Column("acknowledged_by_name", sa.String(200)),
        sa.Column("mitigated_at", MOMENT),
        sa.Column("mitigated_by", sa.String(64)),
        sa.Column("mitigated_by_name", sa.String(200)),
        sa.Column("resolved_at", MOMENT),
        sa.Column("resolved_by", sa.String(64)),
        sa.Column("resolved_by_name", sa.String(200)),
        sa.Column("reviewed_at", MOMENT),
        sa.Column("reviewed_by", sa.String(64)),
        sa.Column("reviewed_by_name", sa.String(200)),
        sa.Column("impact", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("lessons", sa.Text(), nullable=False),
        sa.Column("caught", sa.String(32), nullable=False),
        sa.Column("caught_by", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_incidents_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_incidents_environment_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_incidents_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
        sa.UniqueConstraint("alert_id", name="uq_incidents_alert_id"),
        sa.UniqueConstraint("workspace_id", "open_key", name="uq_incidents_workspace_id_open_key"),
    )
    op.create_index("ix_incidents_agent_id_id", "incidents", ["agent_id", "id"])
    op.create_index("ix_incidents_workspace_id_id", "incidents", ["workspace_id", "id"])
    op.create_index("ix_incidents_workspace_id_severity_id", "incidents", ["workspace_id", "severity", "id"])
    op.create_index("ix_incidents_workspace_id_state_id", "incidents", ["workspace_id", "state", "id"])


def _incident_entries() -> None:
    op.create_table(
        "incident_entries",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("incident_id", sa.String(64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("actor_name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_incident_entries_incident_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_incident_entries_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_incident_entries"),
    )
    op.create_index("ix_incident_entries_incident_id_id", "incident_entries", ["incident_id", "id"])


def _incident_tasks() -> None:
    op.create_table(
        "incident_tasks",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("incident_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("key", sa.String(200)),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.String(64)),
        sa.Column("owner_name", sa.String(200)),
        sa.Column("due_at", MOMENT),
        sa.Column("made_by_name", sa.String(200), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("done_by", sa.String(64)),
        sa.Column("done_by_name", sa.String(200)),
        sa.Column("done_at", MOMENT),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_incident_tasks_incident_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_incident_tasks_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_incident_tasks"),
        sa.UniqueConstraint("incident_id", "key", name="uq_incident_tasks_incident_id_key"),
    )
    op.create_index("ix_incident_tasks_incident_id_id", "incident_tasks", ["incident_id", "id"])


def _incident_runs() -> None:
    op.create_table(
        "incident_runs",
        sa.Column("incident_id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("added_by_name", sa.String(200), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_incident_runs_incident_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_incident_runs_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_incident_runs_workspace_id"),
        sa.PrimaryKeyConstraint("incident_id", "run_id", name="pk_incident_runs"),
    )
    op.create_index("ix_incident_runs_run_id", "incident_runs", ["run_id"])
