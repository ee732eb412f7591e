"""Who answers for a release, and why one is held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

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
