"""Requests to people and their answers; what a leg that waits was answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _approvals()
    _approval_recipients()
    _approval_votes()
    _endorsements()
    _hold_answers()


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("revision_id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(200), nullable=False),
        sa.Column("agent_name", sa.String(200), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("run_requested_by", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("gate", sa.String(200), nullable=False),
        sa.Column("asked_by_policy", sa.String(32), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("tool", sa.String(200)),
        sa.Column("effect", sa.String(32)),
        sa.Column("args", JSON, nullable=False),
        sa.Column("binding", sa.String(64), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("card", JSON, nullable=False),
        sa.Column("rule", JSON, nullable=False),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("reminded", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("deadline_at", MOMENT),
        sa.Column("next_at", MOMENT),
        sa.Column("is_degraded", sa.Boolean(), nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("decided_by_name", sa.String(200)),
        sa.Column("decision", JSON, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("reason_code", sa.String(200)),
        sa.Column("via", sa.String(32)),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_approvals_workspace_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_approvals_environment_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_approvals_agent_id"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_approvals_revision_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_approvals_run_id"),
        sa.UniqueConstraint("run_id", "leg", "call_id", name="uq_approvals_run_id_leg_call_id"),
    )
    op.create_index("ix_approvals_agent_id_tool_state_id", "approvals", ["agent_id", "tool", "state", "id"])
    op.create_index("ix_approvals_state_next_at", "approvals", ["state", "next_at"])
    op.create_index("ix_approvals_workspace_id_agent_id_id", "approvals", ["workspace_id", "agent_id", "id"])
    op.create_index("ix_approvals_workspace_id_state_id", "approvals", ["workspace_id", "state", "id"])


def _approval_recipients() -> None:
    op.create_table(
        "approval_recipients",
        sa.Column("approval_id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("via", sa.String(32), nullable=False),
        sa.Column("asked_for", sa.String(64)),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("approval_id", "member_id", name="pk_approval_recipients"),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name="fk_approval_recipients_approval_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_approval_recipients_member_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_approval_recipients_workspace_id"),
    )
    op.create_index(
        "ix_approval_recipients_inbox",
        "approval_recipients",
        ["workspace_id", "member_id", "is_open", "approval_id"],
    )


def _approval_votes() -> None:
    op.create_table(
        "approval_votes",
        sa.Column("approval_id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("member_name", sa.String(200), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("decision", JSON, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("reason_code", sa.String(200)),
        sa.Column("via", sa.String(32), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("approval_id", "member_id", name="pk_approval_votes"),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name="fk_approval_votes_approval_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_approval_votes_workspace_id"),
    )


def _endorsements() -> None:
    op.create_table(
        "endorsements",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("value_hash", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.String(64), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "value_hash", name="pk_endorsements"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_endorsements_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_endorsements_workspace_id"),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name="fk_endorsements_approval_id"),
    )


def _hold_answers() -> None:
    op.create_table(
        "hold_answers",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(200), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("answer", JSON, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "leg", "call_id", name="pk_hold_answers"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_hold_answers_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_hold_answers_workspace_id"),
    )
