"""How people are told of requests: absences, channels, deliveries, one-time links, chat accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _absences()
    _notice_channels()
    _approval_deliveries()
    _decide_links()
    _chat_apps()
    _chat_accounts()
    _chat_codes()


def _absences() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("delegate_id", sa.String(64), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_absences"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_absences_workspace_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_absences_member_id"),
        sa.ForeignKeyConstraint(["delegate_id"], ["members.id"], name="fk_absences_delegate_id"),
    )
    op.create_index("ix_absences_workspace_id_member_id_ends_at", "absences", ["workspace_id", "member_id", "ends_at"])


def _notice_channels() -> None:
    op.create_table(
        "notice_channels",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(64)),
        sa.Column("agent_id", sa.String(64)),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("pace", sa.String(32), nullable=False),
        sa.Column("quiet", JSON, nullable=False),
        sa.Column("time_zone", sa.String(200), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notice_channels"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_notice_channels_workspace_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_notice_channels_member_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_notice_channels_agent_id"),
    )
    op.create_index("ix_notice_channels_workspace_id_agent_id", "notice_channels", ["workspace_id", "agent_id"])
    op.create_index("ix_notice_channels_workspace_id_member_id", "notice_channels", ["workspace_id", "member_id"])


def _approval_deliveries() -> None:
    op.create_table(
        "approval_deliveries",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("approval_id", sa.String(64), nullable=False),
        sa.Column("event", sa.String(200), nullable=False),
        sa.Column("target", sa.String(200), nullable=False),
        sa.Column("channel_id", sa.String(64)),
        sa.Column("member_id", sa.String(64)),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("carried_by", sa.String(64)),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_approval_deliveries"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_approval_deliveries_workspace_id"),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name="fk_approval_deliveries_approval_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_approval_deliveries_member_id"),
        sa.UniqueConstraint("approval_id", "event", "target", name="uq_approval_deliveries_approval_id_event_target"),
    )
    op.create_index(
        "ix_approval_deliveries_channel_id_state_due_at", "approval_deliveries", ["channel_id", "state", "due_at"]
    )


def _decide_links() -> None:
    op.create_table(
        "decide_links",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("approval_id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_decide_links"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_decide_links_workspace_id"),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name="fk_decide_links_approval_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_decide_links_member_id"),
        sa.UniqueConstraint("token_hash", name="uq_decide_links_token_hash"),
    )
    op.create_index("ix_decide_links_approval_id_member_id", "decide_links", ["approval_id", "member_id"])


def _chat_apps() -> None:
    op.create_table(
        "chat_apps",
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "kind", name="pk_chat_apps"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_chat_apps_workspace_id"),
    )


def _chat_accounts() -> None:
    op.create_table(
        "chat_accounts",
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "account", name="pk_chat_accounts"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_chat_accounts_workspace_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_chat_accounts_member_id"),
        sa.UniqueConstraint("workspace_id", "kind", "member_id", name="uq_chat_accounts_workspace_id_kind_member_id"),
    )


def _chat_codes() -> None:
    op.create_table(
        "chat_codes",
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "member_id", name="pk_chat_codes"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_chat_codes_workspace_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_chat_codes_member_id"),
    )
