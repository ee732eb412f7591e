"""What flows through a tool, and what a run has read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("tools", sa.Column("labels", JSON, nullable=True))
    op.add_column("runs", sa.Column("flow", JSON, nullable=True))
