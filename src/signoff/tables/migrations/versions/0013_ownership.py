"""Who answers for each agent and whether they accepted, hand-overs, and requests for access."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _owners()
    _handovers()
    _access_requests()
    # Whoever is named already is asked: that they know of it was never written down.
    op.execute(
        "insert into agent_owners (agent_id, kind, member_id, workspace_id, state, asked_by, asked_by_name, asked_at, "
        "answer, hours) select id, 'build', owner_id, workspace_id, 'asked', 'system', 'Signoff', created_at, '', '{}' "
        "from agents where owner_id is not null"
    )
    op.execute(
        "insert into agent_owners (agent_id, kind, member_id, workspace_id, state, asked_by, asked_by_name, asked_at, "
        "answer, hours) select id, 'backup', backup_id, workspace_id, 'asked', 'system', 'Signoff', created_at, '', "
        "'{}' from agents where backup_id is not null"
    )


def _owners() -> None:
    op.create_table(
        "agent_owners",
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_by_name", sa.String(200), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("hours", JSON, nullable=False),
        sa.Column("time_zone", sa.String(200)),
        sa.PrimaryKeyConstraint("agent_id", "kind", "member_id", name="pk_agent_owners"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_agent_owners_agent_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_agent_owners_member_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_agent_owners_workspace_id"),
    )
    op.create_index(
        "ix_agent_owners_workspace_id_member_id_state", "agent_owners", ["workspace_id", "member_id", "state"]
    )


def _handovers() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("open_key", sa.String(64)),
        sa.Column("from_member_id", sa.String(64), nullable=False),
        sa.Column("to_member_id", sa.String(64), nullable=False),
        sa.Column("seats", JSON, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("session_at", MOMENT),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("started_by", sa.String(64), nullable=False),
        sa.Column("started_by_name", sa.String(200), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_handovers"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_handovers_agent_id"),
        sa.ForeignKeyConstraint(["from_member_id"], ["members.id"], name="fk_handovers_from_member_id"),
        sa.ForeignKeyConstraint(["to_member_id"], ["members.id"], name="fk_handovers_to_member_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_handovers_workspace_id"),
        sa.UniqueConstraint("open_key", name="uq_handovers_open_key"),
    )
    op.create_index("ix_handovers_workspace_id_id", "handovers", ["workspace_id", "id"])
    op.create_index("ix_handovers_agent_id_id", "handovers", ["agent_id", "id"])
    op.create_index("ix_handovers_to_member_id_state", "handovers", ["to_member_id", "state"])


def _access_requests() -> None:
    op.create_table(
        "access_requests",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("open_key", sa.String(200)),
        sa.Column("role", sa.String(32)),
        sa.Column("agent_id", sa.String(64)),
        sa.Column("level", sa.String(32)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("decided_by_name", sa.String(200)),
        sa.Column("decided_at", MOMENT),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_requests"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_access_requests_agent_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_access_requests_member_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_access_requests_workspace_id"),
        sa.UniqueConstraint("open_key", name="uq_access_requests_open_key"),
    )
    op.create_index("ix_access_requests_workspace_id_state_id", "access_requests", ["workspace_id", "state", "id"])
