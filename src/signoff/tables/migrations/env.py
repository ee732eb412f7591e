"""Called by Alembic, on the connection `signoff.tables.migrate` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON

from signoff.tables.all_tables import METADATA
from signoff.tables.base import Moment, Usd


def _render(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Write columns with plain SQL types: a migration must mean the same after our own types have changed."""
    if kind != "type":
        return False
    if isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, Usd):
        return "sa.BigInteger()"
    return "JSON" if isinstance(item, JSON) else False


def _run() -> None:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        render_item=_render,
        render_as_batch=True,
        compare_type=True,
    )
    # The transaction is the caller's: all steps happen, or none.
    context.run_migrations()


_run()
