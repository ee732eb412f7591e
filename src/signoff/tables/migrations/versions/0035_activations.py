"""What came of trying a release's connections as it switched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from signoff.tables.walls import raise_walls

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("releases", sa.Column("activations_failed", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "release_activations",
        sa.Column("release_id", sa.String(64), nullable=False),
        sa.Column("slot", sa.String(200), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("connection_id", sa.String(64)),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("code", sa.String(200)),
        sa.Column("error", sa.Text()),
        sa.Column("seconds", sa.Float()),
        sa.Column("at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("release_id", "slot", name="pk_release_activations"),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_release_activations_release_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_release_activations_workspace_id"),
    )
    raise_walls(op.get_bind())
