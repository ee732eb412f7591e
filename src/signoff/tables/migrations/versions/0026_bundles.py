"""Keys whose bundles are taken, and where imported revisions came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from signoff.tables.migrations.triggers import forbid_changes
from signoff.tables.walls import raise_walls

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "trusted_keys",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("public_key", sa.String(200), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("added_by", sa.String(64), nullable=False),
        sa.Column("added_by_name", sa.String(200), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trusted_keys"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_trusted_keys_workspace_id"),
        sa.UniqueConstraint("workspace_id", "public_key", name="uq_trusted_keys_workspace_id_public_key"),
    )
    op.create_index("ix_trusted_keys_workspace_id_id", "trusted_keys", ["workspace_id", "id"])
    op.create_table(
        "revision_origins",
        sa.Column("revision_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("bundle", sa.String(64), nullable=False),
        sa.Column("public_key", sa.String(200), nullable=False),
        sa.Column("signer", sa.String(200), nullable=False),
        sa.Column("chain", JSON, nullable=False),
        sa.Column("datasets", JSON, nullable=False),
        sa.Column("missing", JSON, nullable=False),
        sa.Column("imported_by", sa.String(64), nullable=False),
        sa.Column("imported_by_name", sa.String(200), nullable=False),
        sa.Column("imported_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("revision_id", name="pk_revision_origins"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_revision_origins_revision_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_revision_origins_workspace_id"),
    )
    op.create_index("ix_revision_origins_workspace_id", "revision_origins", ["workspace_id"])
    forbid_changes("revision_origins")
    raise_walls(op.get_bind())
