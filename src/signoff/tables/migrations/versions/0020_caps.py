"""How many calls each cap has let by in each period."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cap_counters",
        sa.Column("counter", sa.String(200), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("counter", name="pk_cap_counters"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_cap_counters_workspace_id"),
    )
    op.create_index("ix_cap_counters_ends_at", "cap_counters", ["ends_at"])
    op.create_table(
        "cap_places",
        sa.Column("counter", sa.String(200), nullable=False),
        sa.Column("step_key", sa.String(200), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(64)),
        sa.PrimaryKeyConstraint("counter", "step_key", name="pk_cap_places"),
        sa.ForeignKeyConstraint(["counter"], ["cap_counters.counter"], name="fk_cap_places_counter"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_cap_places_workspace_id"),
    )
    op.create_index("ix_cap_places_step_key", "cap_places", ["step_key"])
