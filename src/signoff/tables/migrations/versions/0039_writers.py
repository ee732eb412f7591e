"""Everybody who saved a draft since it was frozen last, kept with what is frozen from it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("drafts", sa.Column("writers", JSON))
    op.add_column("revisions", sa.Column("writers", JSON))
