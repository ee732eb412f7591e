"""How many calls each cap has let by in each period."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Moment, Name


class CapCounter(Base):
    """The count of one cap in one period: `cap:env_…:agt_…:<cap>:2026-11-27`. Updated conditionally, so never over."""

    __tablename__ = "cap_counters"
    __table_args__ = (Index(None, "ends_at"),)

    counter: Mapped[str] = mapped_column(Name, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    used: Mapped[int]
    # When its period is over, and nobody asks for it any more.
    ends_at: Mapped[datetime] = mapped_column(Moment)


class CapPlace(Base):
    """A place that one call has taken in a count, so that a call which begins again does not take a second one."""

    __tablename__ = "cap_places"
    __table_args__ = (Index(None, "step_key"),)

    counter: Mapped[str] = mapped_column(ForeignKey("cap_counters.counter"), primary_key=True)
    step_key: Mapped[str] = mapped_column(Name, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    # The attempt that may give it back. Nobody, once another attempt found it: the first may have acted.
    holder: Mapped[str | None] = mapped_column(Id)
