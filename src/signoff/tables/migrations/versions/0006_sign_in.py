"""Second factors, throttling over all processes, mails with links, and how a workspace lets people in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _columns()
    _second_factors()
    _pending_sign_ins()
    op.create_table(
        "throttles",
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("full_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_throttles"),
    )
    op.create_index("ix_throttles_full_at_ms", "throttles", ["full_at_ms"])


def _columns() -> None:
    # With defaults of the database: the release before still writes rows that do not know them.
    op.add_column(
        "workspaces", sa.Column("is_second_factor_required", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column(
        "workspaces", sa.Column("is_password_allowed", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    op.add_column("people", sa.Column("has_single_keys", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("sessions", sa.Column("method", sa.String(32), server_default="password", nullable=False))
    op.add_column("sessions", sa.Column("is_two_factor", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("setup_links", sa.Column("mailed_at", MOMENT))
    op.add_column("setup_links", sa.Column("mail_error", sa.String(200)))
    op.create_index("ix_setup_links_person_id", "setup_links", ["person_id"])
    op.add_column("members", sa.Column("accepted_at", MOMENT))
    # Whoever has a password has come in; who never did is still invited.
    op.execute(
        "UPDATE members SET accepted_at = created_at "
        "WHERE person_id IN (SELECT id FROM people WHERE password_hash IS NOT NULL)"
    )


def _second_factors() -> None:
    op.create_table(
        "second_factors",
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(200), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT),
        sa.PrimaryKeyConstraint("person_id", name="pk_second_factors"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_second_factors_person_id"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_codes"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_recovery_codes_person_id"),
        sa.UniqueConstraint("person_id", "code_hash", name="uq_recovery_codes_person_id_code_hash"),
    )


def _pending_sign_ins() -> None:
    op.create_table(
        "pending_sign_ins",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64)),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("how", sa.String(200), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_pending_sign_ins"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_pending_sign_ins_person_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_pending_sign_ins_workspace_id"),
        sa.UniqueConstraint("token_hash", name="uq_pending_sign_ins_token_hash"),
    )
    op.create_index("ix_pending_sign_ins_expires_at", "pending_sign_ins", ["expires_at"])
    op.create_index("ix_pending_sign_ins_person_id", "pending_sign_ins", ["person_id"])
