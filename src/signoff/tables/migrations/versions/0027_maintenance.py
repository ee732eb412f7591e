"""Maintenance of the whole installation, and which older releases may work on its schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "maintenances",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("open_key", sa.String(32)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ordered_by_name", sa.String(200), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by_name", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_maintenances"),
        sa.UniqueConstraint("open_key", name="uq_maintenances_open_key"),
    )
    op.create_index("ix_maintenances_started_at", "maintenances", ["started_at"])
    op.create_table(
        "schema_floor",
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("oldest", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_schema_floor"),
    )
