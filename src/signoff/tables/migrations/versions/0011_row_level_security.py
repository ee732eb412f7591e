"""The second wall: row-level security on every table a workspace owns."""

from __future__ import annotations

from alembic import op

from signoff.tables.walls import raise_walls

revision = "0011"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    raise_walls(op.get_bind())
