"""Views of the inbox that members save for themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_saved_views_workspace_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_saved_views_member_id"),
        sa.UniqueConstraint("workspace_id", "member_id", "name", name="uq_saved_views_workspace_id_member_id_name"),
    )
