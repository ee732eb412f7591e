"""Who answers for a release, why one is held, secrets caught where they must not be, revisions that retired."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from signoff.tables.walls import raise_walls

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in (
        sa.Column("asked_with", sa.String(64)),
        sa.Column("taken_over_by", sa.String(64)),
        sa.Column("taken_over_by_name", sa.String(200)),
        sa.Column("held_since", MOMENT),
        sa.Column("held_reason", sa.Text()),
    ):
        op.add_column("releases", column)
    _leaks()
    _retired_revisions()
    raise_walls(op.get_bind())


def _leaks() -> None:
    op.create_table(
        "leaks",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("place", sa.String(32), nullable=False),
        sa.Column("what", sa.String(200), nullable=False),
        sa.Column("secret", sa.String(200), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("step_key", sa.String(200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "place", "what", "secret", name="pk_leaks"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_leaks_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_leaks_workspace_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_leaks_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_leaks_environment_id"),
    )
    op.create_index("ix_leaks_agent_id_environment_id_at", "leaks", ["agent_id", "environment_id", "at"])


def _retired_revisions() -> None:
    op.create_table(
        "retired_revisions",
        sa.Column("revision_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("revision_id", name="pk_retired_revisions"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_retired_revisions_revision_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_retired_revisions_workspace_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_retired_revisions_agent_id"),
    )
    op.create_index("ix_retired_revisions_agent_id", "retired_revisions", ["agent_id"])
