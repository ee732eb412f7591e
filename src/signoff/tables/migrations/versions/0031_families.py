"""With which API key a run was asked for; whose called runs an order to stop waits for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("requested_with", sa.String(64)))
    op.add_column("stop_orders", sa.Column("families", sa.JSON().with_variant(JSONB(), "postgresql")))
