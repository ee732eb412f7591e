"""Service accounts, and whom each key belongs to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from signoff.kit import clock, ids

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

_ACCOUNTS = sa.table(
    "service_accounts",
    sa.column("id", sa.String),
    sa.column("workspace_id", sa.String),
    sa.column("slug", sa.String),
    sa.column("name", sa.String),
    sa.column("description", sa.Text),
    sa.column("role", sa.String),
    sa.column("state", sa.String),
    sa.column("created_by", sa.String),
    sa.column("created_by_name", sa.String),
    sa.column("created_at", MOMENT),
)
_KEYS = sa.table(
    "api_keys",
    sa.column("workspace_id", sa.String),
    sa.column("owner_kind", sa.String),
    sa.column("owner_id", sa.String),
)


def upgrade() -> None:
    _service_accounts()
    _keys()
    _give_keys_an_owner()


def _service_accounts() -> None:
    op.create_table(
        "service_accounts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64)),
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("contact_id", sa.String(64)),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("created_by_name", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_service_accounts"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_service_accounts_workspace_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_service_accounts_environment_id"),
        sa.ForeignKeyConstraint(["contact_id"], ["members.id"], name="fk_service_accounts_contact_id"),
        sa.UniqueConstraint("workspace_id", "slug", name="uq_service_accounts_workspace_id_slug"),
    )
    op.create_index("ix_service_accounts_workspace_id_id", "service_accounts", ["workspace_id", "id"])


def _keys() -> None:
    for column in (
        sa.Column("owner_kind", sa.String(32)),
        sa.Column("owner_id", sa.String(64)),
        sa.Column("last_used_address", sa.String(200)),
        sa.Column("rotated_at", MOMENT),
        sa.Column("old_prefix", sa.String(200)),
        sa.Column("old_key_hash", sa.String(64)),
        sa.Column("old_until", MOMENT),
        sa.Column("refused_at", MOMENT),
        sa.Column("refused_address", sa.String(200)),
        sa.Column("warned_at", MOMENT),
    ):
        op.add_column("api_keys", column)
    op.create_index("ix_api_keys_workspace_id_owner_id", "api_keys", ["workspace_id", "owner_id"])
    op.create_index("ix_api_keys_old_prefix", "api_keys", ["old_prefix"])
    op.create_index("ix_api_keys_expires_at", "api_keys", ["expires_at"])


def _give_keys_an_owner() -> None:
    """Put the keys of each workspace under one account, where they go on as they were: whoever made them may leave."""
    connection = op.get_bind()
    workspaces = connection.execute(sa.select(_KEYS.c.workspace_id).distinct()).scalars().all()
    for workspace_id in workspaces:
        account = ids.new_id("svc")
        connection.execute(
            _ACCOUNTS.insert().values(
                id=account,
                workspace_id=workspace_id,
                slug="earlier-keys",
                name="Earlier keys",
                description="Keys made before there were service accounts. Each does what it did then.",
                role="administrator",
                state="active",
                created_by="system",
                created_by_name="Signoff",
                created_at=clock.now(),
            )
        )
        connection.execute(
            _KEYS.update()
            .where(_KEYS.c.workspace_id == workspace_id)
            .values(owner_kind="service_account", owner_id=account)
        )
