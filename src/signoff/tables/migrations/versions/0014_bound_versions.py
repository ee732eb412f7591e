"""Where each value of a secret was entered for, and whose address was proven by a mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("secret_versions", sa.Column("hosts", JSON))
    op.add_column("members", sa.Column("invited_name", sa.String(200)))
    op.add_column("people", sa.Column("address_proven_at", MOMENT))
    # Of older values nobody knows any more; they are entered again.
    op.execute(
        "update secret_versions set hosts = (select secrets.hosts from secrets where secrets.id = "
        "secret_versions.secret_id) where state = 'current' and version = (select secrets.version from secrets "
        "where secrets.id = secret_versions.secret_id)"
    )
    # Whoever came into one workspace, and was never in another, took nobody's place.
    op.execute(
        "update people set address_proven_at = created_at where password_hash is not null and id in "
        "(select person_id from members group by person_id having count(*) = 1 and count(accepted_at) = 1)"
    )
