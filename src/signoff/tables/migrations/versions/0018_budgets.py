"""Limits of money as rows: by agent, environment and workspace, for a day, a week, a month."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from signoff.tables.walls import raise_walls

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "budget_limits",
        sa.Column("target_id", sa.String(64), nullable=False),
        sa.Column("period", sa.String(32), nullable=False),
        sa.Column("covers", sa.String(32), nullable=False),
        sa.Column("workspace_id", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("cap_usd", sa.BigInteger()),
        sa.Column("alert_percent", sa.Integer(), nullable=False, server_default="80"),
        sa.Column("is_hard", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.Column("changed_by_name", sa.String(200), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("target_id", "period", "covers", name="pk_budget_limits"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_budget_limits_workspace_id"),
    )
    op.create_index("ix_budget_limits_workspace_id_scope", "budget_limits", ["workspace_id", "scope"])
    op.add_column("spend_counters", sa.Column("cap_usd", sa.BigInteger()))
    op.add_column("spend_counters", sa.Column("warn_usd", sa.BigInteger()))
    op.add_column("runs", sa.Column("raised_usd", sa.BigInteger(), nullable=False, server_default="0"))
    _carry_over()
    raise_walls(op.get_bind())


def _carry_over() -> None:
    """Keep what is there as it is: the defaults are for what is made from now on, and bind nothing older."""
    workspaces, environments, agents = (
        sa.table(name, sa.column("id"), sa.column("workspace_id"), sa.column("daily_cap_usd"))
        for name in ("workspaces", "environments", "agents")
    )
    _copy("workspace", "all", sa.select(workspaces.c.id, workspaces.c.id, workspaces.c.daily_cap_usd))
    capped = sa.select(environments.c.id, environments.c.workspace_id, environments.c.daily_cap_usd)
    _copy("environment", "all", capped.where(environments.c.daily_cap_usd.is_not(None)))
    for covers in ("production", "test"):
        _copy("agent", covers, sa.select(agents.c.id, agents.c.workspace_id, sa.null()))


def _copy(scope: str, covers: str, found: sa.Select[*tuple[Any, ...]]) -> None:
    names = ("target_id", "workspace_id", "cap_usd", "period", "covers", "scope", "changed_by", "changed_by_name")
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in (*names, "changed_at")]
    limits = sa.table("budget_limits", *columns)
    words = [sa.literal(word) for word in ("day", covers, scope, "system", "Signoff")]
    rows = found.add_columns(*words, sa.func.current_timestamp())
    op.execute(limits.insert().from_select([*names, "changed_at"], rows))
