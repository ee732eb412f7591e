"""An index of the runs of a revision by where and in which mode: many of one kind hide none of another."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_runs_tried", "runs", ["revision_id", "environment_id", "mode", "id"])
