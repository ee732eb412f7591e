"""What callers who use much of their rate took, over all processes; and which agent an alert is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "rate_counts",
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("slots", JSON, nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_rate_counts"),
    )
    op.create_index("ix_rate_counts_last_at", "rate_counts", ["last_at"])
    # Alerts from before name none: their text does.
    op.add_column("alerts", sa.Column("agent_id", sa.String(64)))
    op.create_index("ix_alerts_workspace_id_agent_id_id", "alerts", ["workspace_id", "agent_id", "id"])
