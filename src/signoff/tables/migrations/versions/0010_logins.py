"""How connections sign in by OAuth, and why the last attempt of a connection failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("connections", sa.Column("last_error_code", sa.String(200)))
    _logins()
    _login_attempts()


def _logins() -> None:
    op.create_table(
        "logins",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("principal", sa.String(32), nullable=False),
        sa.Column("member_id", sa.String(64)),
        sa.Column("member_name", sa.String(200)),
        sa.Column("issuer", sa.Text()),
        sa.Column("authorize_url", sa.Text()),
        sa.Column("token_url", sa.Text(), nullable=False),
        sa.Column("revoke_url", sa.Text()),
        sa.Column("resource", sa.Text()),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_auth", sa.String(32), nullable=False),
        sa.Column("client_secret", sa.LargeBinary()),
        sa.Column("client_secret_nonce", sa.LargeBinary()),
        sa.Column("client_secret_key_id", sa.String(200)),
        sa.Column("client_secret_version", sa.Integer(), nullable=False),
        sa.Column("is_registered_by_us", sa.Boolean(), nullable=False),
        sa.Column("scopes_asked", JSON, nullable=False),
        sa.Column("scopes_granted", JSON, nullable=False),
        sa.Column("hosts", JSON, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("tokens", sa.LargeBinary()),
        sa.Column("tokens_nonce", sa.LargeBinary()),
        sa.Column("tokens_key_id", sa.String(200)),
        sa.Column("can_refresh", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("refresh_due_at", MOMENT),
        sa.Column("lease_until", MOMENT),
        sa.Column("lease_holder", sa.String(64)),
        sa.Column("is_in_doubt", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("authorised_at", MOMENT),
        sa.Column("last_refreshed_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_logins"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_logins_workspace_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_logins_environment_id"),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_logins_connection_id"),
        sa.UniqueConstraint("connection_id", name="uq_logins_connection_id"),
    )
    op.create_index("ix_logins_environment_id", "logins", ["environment_id"])
    op.create_index("ix_logins_workspace_id_id", "logins", ["workspace_id", "id"])
    op.create_index("ix_logins_state_refresh_due_at", "logins", ["state", "refresh_due_at"])


def _login_attempts() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("login_id", sa.String(64), nullable=False),
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("session_hash", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("verifier_nonce", sa.LargeBinary(), nullable=False),
        sa.Column("verifier_key_id", sa.String(200), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_login_attempts"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_login_attempts_workspace_id"),
        sa.ForeignKeyConstraint(["login_id"], ["logins.id"], name="fk_login_attempts_login_id"),
        sa.UniqueConstraint("state_hash", name="uq_login_attempts_state_hash"),
    )
    op.create_index("ix_login_attempts_expires_at", "login_attempts", ["expires_at"])
    op.create_index("ix_login_attempts_login_id", "login_attempts", ["login_id"])
