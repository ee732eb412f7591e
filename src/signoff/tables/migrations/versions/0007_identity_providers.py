"""Single sign-on: providers, identities, sign-ins under way; sessions that reach one workspace only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _identity_providers()
    _identities()
    _sign_in_attempts()
    op.add_column("sessions", sa.Column("provider_id", sa.String(64)))


def _identity_providers() -> None:
    op.create_table(
        "identity_providers",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(200), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("email_verified_claim", sa.String(200), nullable=False),
        sa.Column("group_claim", sa.String(200), nullable=False),
        sa.Column("role_rules", JSON, nullable=False),
        sa.Column("default_role", sa.String(32)),
        sa.Column("makes_members", sa.Boolean(), nullable=False),
        sa.Column("domains", JSON, nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("vouched_by", sa.String(64)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_providers"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_identity_providers_workspace_id"),
    )
    op.create_index("ix_identity_providers_workspace_id_id", "identity_providers", ["workspace_id", "id"])


def _identities() -> None:
    op.create_table(
        "identities",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("provider_id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("email", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_identities_workspace_id"),
        sa.ForeignKeyConstraint(["provider_id"], ["identity_providers.id"], name="fk_identities_provider_id"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_identities_person_id"),
        sa.UniqueConstraint("provider_id", "subject", name="uq_identities_provider_id_subject"),
        sa.UniqueConstraint("provider_id", "person_id", name="uq_identities_provider_id_person_id"),
    )
    op.create_index("ix_identities_person_id", "identities", ["person_id"])


def _sign_in_attempts() -> None:
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("provider_id", sa.String(64), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_attempts"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_sign_in_attempts_workspace_id"),
        sa.ForeignKeyConstraint(["provider_id"], ["identity_providers.id"], name="fk_sign_in_attempts_provider_id"),
        sa.UniqueConstraint("token_hash", name="uq_sign_in_attempts_token_hash"),
    )
    op.create_index("ix_sign_in_attempts_expires_at", "sign_in_attempts", ["expires_at"])
