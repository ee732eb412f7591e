"""Releases, the facts they are judged by, and what is asked before something ships."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from signoff.tables.walls import raise_walls

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    _releases()
    _release_events()
    _release_signatures()
    _shadow_pairs()
    _drills()
    _signals()
    _signal_hours()
    _probe_policies()
    _vouchings()
    for column in (
        sa.Column("release_id", sa.String(64)),
        sa.Column("candidate_revision_id", sa.String(64)),
        sa.Column("candidate_release_id", sa.String(64)),
        sa.Column("share", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("salt", sa.String(200)),
        sa.Column("cohort", JSON),
        sa.Column("shadow_release_id", sa.String(64)),
        sa.Column("shadow_share", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("live_revisions", column)
    op.add_column("deployments", sa.Column("release_id", sa.String(64)))
    for name, kind in (("release_id", sa.String(64)), ("variant", sa.String(32)), ("sticky_key", sa.String(200))):
        op.add_column("runs", sa.Column(name, kind))
    raise_walls(op.get_bind())


def _releases() -> None:
    op.create_table(
        "releases",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("revision_id", sa.String(64), nullable=False),
        sa.Column("previous_revision_id", sa.String(64)),
        sa.Column("open_key", sa.String(200)),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("state_since", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("strategy", JSON, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("step_since", MOMENT),
        sa.Column("is_rollback", sa.Boolean(), nullable=False),
        sa.Column("is_emergency", sa.Boolean(), nullable=False),
        sa.Column("rolls_back_id", sa.String(64)),
        sa.Column("tier", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.String(64), nullable=False),
        sa.Column("requested_by_name", sa.String(200), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("evidence_at", MOMENT),
        sa.Column("policy_digest", sa.String(64)),
        sa.Column("lock", JSON, nullable=False),
        sa.Column("verdict", sa.String(32)),
        sa.Column("verdict_reason", sa.Text()),
        sa.Column("verdict_at", MOMENT),
        sa.Column("live_at", MOMENT),
        sa.Column("watch_until", MOMENT),
        sa.Column("code", sa.String(200)),
        sa.Column("ended_reason", sa.Text()),
        sa.Column("ended_by_name", sa.String(200)),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_releases"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_releases_workspace_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_releases_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_releases_environment_id"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_releases_revision_id"),
        sa.ForeignKeyConstraint(["previous_revision_id"], ["revisions.id"], name="fk_releases_previous_revision_id"),
        sa.UniqueConstraint("open_key", name="uq_releases_open_key"),
    )
    op.create_index("ix_releases_agent_id_id", "releases", ["agent_id", "id"])
    op.create_index("ix_releases_due_at_id", "releases", ["due_at", "id"])
    op.create_index("ix_releases_environment_id_id", "releases", ["environment_id", "id"])
    op.create_index("ix_releases_revision_id_id", "releases", ["revision_id", "id"])
    op.create_index("ix_releases_workspace_id_id", "releases", ["workspace_id", "id"])


def _release_events() -> None:
    op.create_table(
        "release_events",
        sa.Column("release_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("actor_name", sa.String(200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("release_id", "seq", name="pk_release_events"),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_release_events_release_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_release_events_workspace_id"),
    )


def _release_signatures() -> None:
    op.create_table(
        "release_signatures",
        sa.Column("release_id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("member_name", sa.String(200), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("diff_digest", sa.String(64), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("release_id", "member_id", name="pk_release_signatures"),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_release_signatures_release_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_release_signatures_member_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_release_signatures_workspace_id"),
    )


def _shadow_pairs() -> None:
    op.create_table(
        "shadow_pairs",
        sa.Column("release_id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("shadow_run_id", sa.String(64)),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("is_equal", sa.Boolean()),
        sa.Column("differences", JSON, nullable=False),
        sa.Column("cost_usd", sa.BigInteger(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("compared_at", MOMENT),
        sa.Column("judgement", sa.String(32)),
        sa.Column("judged_by", sa.String(64)),
        sa.Column("judged_by_name", sa.String(200)),
        sa.Column("judged_at", MOMENT),
        sa.PrimaryKeyConstraint("release_id", "run_id", name="pk_shadow_pairs"),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_shadow_pairs_release_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_shadow_pairs_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_shadow_pairs_workspace_id"),
        sa.UniqueConstraint("shadow_run_id", name="uq_shadow_pairs_shadow_run_id"),
    )
    op.create_index(
        "ix_shadow_pairs_release_id_judged_by_run_id", "shadow_pairs", ["release_id", "judged_by", "run_id"]
    )
    op.create_index("ix_shadow_pairs_release_id_state_run_id", "shadow_pairs", ["release_id", "state", "run_id"])


def _drills() -> None:
    op.create_table(
        "drills",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("from_revision_id", sa.String(64), nullable=False),
        sa.Column("to_revision_id", sa.String(64), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("is_passed", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drills"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_drills_workspace_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_drills_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_drills_environment_id"),
    )
    op.create_index("ix_drills_agent_id_environment_id_id", "drills", ["agent_id", "environment_id", "id"])


def _signals() -> None:
    op.create_table(
        "signals",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("revision_id", sa.String(64), nullable=False),
        sa.Column("release_id", sa.String(64)),
        sa.Column("variant", sa.String(32), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("origin", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("code", sa.String(200)),
        sa.Column("is_error", sa.Boolean(), nullable=False),
        sa.Column("needed_input", sa.Boolean(), nullable=False),
        sa.Column("cost_usd", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("duration_seconds", sa.Float(), nullable=False),
        sa.Column("tool_calls", sa.Integer(), nullable=False),
        sa.Column("approvals_asked", sa.Integer(), nullable=False),
        sa.Column("approvals_denied", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(200)),
        sa.Column("score", sa.Float()),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_signals"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_signals_run_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_signals_workspace_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_signals_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_signals_environment_id"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_signals_revision_id"),
    )
    op.create_index("ix_signals_agent_id_environment_id_run_id", "signals", ["agent_id", "environment_id", "run_id"])
    op.create_index("ix_signals_release_id_variant_run_id", "signals", ["release_id", "variant", "run_id"])
    op.create_index("ix_signals_revision_id_run_id", "signals", ["revision_id", "run_id"])
    op.create_index("ix_signals_workspace_id_ended_at", "signals", ["workspace_id", "ended_at"])


def _signal_hours() -> None:
    op.create_table(
        "signal_hours",
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("revision_id", sa.String(64), nullable=False),
        sa.Column("variant", sa.String(32), nullable=False),
        sa.Column("origin", sa.String(32), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("needed_input", sa.Integer(), nullable=False),
        sa.Column("approvals_asked", sa.Integer(), nullable=False),
        sa.Column("approvals_denied", sa.Integer(), nullable=False),
        sa.Column("tool_calls", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.BigInteger(), nullable=False),
        sa.Column("duration_seconds", sa.Float(), nullable=False),
        sa.Column("duration_squares", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint(
            "agent_id", "environment_id", "hour", "revision_id", "variant", "origin", name="pk_signal_hours"
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_signal_hours_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_signal_hours_environment_id"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_signal_hours_revision_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_signal_hours_workspace_id"),
    )
    op.create_index("ix_signal_hours_workspace_id_hour", "signal_hours", ["workspace_id", "hour"])


def _probe_policies() -> None:
    op.create_table(
        "probe_policies",
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author_id", sa.String(64), nullable=False),
        sa.Column("author_name", sa.String(200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "version", name="pk_probe_policies"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_probe_policies_workspace_id"),
    )


def _vouchings() -> None:
    op.create_table(
        "vouchings",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("open_key", sa.String(200)),
        sa.Column("probe", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("revision_id", sa.String(64)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("by_role", sa.String(200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by_name", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_vouchings"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_vouchings_workspace_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_vouchings_agent_id"),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name="fk_vouchings_environment_id"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_vouchings_revision_id"),
        sa.UniqueConstraint("open_key", name="uq_vouchings_open_key"),
    )
    op.create_index("ix_vouchings_agent_id_environment_id_id", "vouchings", ["agent_id", "environment_id", "id"])
    op.create_index("ix_vouchings_workspace_id_id", "vouchings", ["workspace_id", "id"])
