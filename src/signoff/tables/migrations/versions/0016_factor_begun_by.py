"""Which sign-in began a second factor that waits for its first code."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("second_factors", sa.Column("begun_by", sa.String(64)))
    # Nobody knows which sign-in began those that wait now; they are begun again.
    op.execute("delete from second_factors where confirmed_at is null")
