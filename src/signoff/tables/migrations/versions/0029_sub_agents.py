"""Runs that other runs ask for: their parent, the first of all, their depth, and the call that made each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("parent_run_id", sa.String(64)))
    op.add_column("runs", sa.Column("root_run_id", sa.String(64)))
    op.add_column("runs", sa.Column("depth", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("parent_call", sa.String(200)))
    op.add_column("runs", sa.Column("child_runs", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_runs_parent", "runs", ["parent_run_id", "id"])
    op.create_index("ix_runs_root", "runs", ["root_run_id", "id"])
    called = sa.text("parent_run_id IS NOT NULL")
    op.create_index("ix_runs_called", "runs", ["workspace_id", "id"], sqlite_where=called, postgresql_where=called)
    op.create_index("ix_runs_parent_call", "runs", ["parent_call"], unique=True)
