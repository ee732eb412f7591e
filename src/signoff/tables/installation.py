"""What is the installation's own: maintenance of all of it, and which releases may work on its schema."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Long, Moment, Name, Slug, State


class Maintenance(Base):
    """The order that nothing is changed in this installation, until it is over or `until` has come."""

    __tablename__ = "maintenances"
    __table_args__ = (Index(None, "started_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    # "on" while it stands, null once it is over: of two orders at the same moment the constraint lets one through.
    open_key: Mapped[str | None] = mapped_column(State, unique=True)
    reason: Mapped[str] = mapped_column(Long)
    ordered_by_name: Mapped[str] = mapped_column(Name)
    started_at: Mapped[datetime] = mapped_column(Moment)
    # Compared with the moment wherever it matters: no process has to be there when it comes.
    until: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_by_name: Mapped[str | None] = mapped_column(Name)


class SchemaFloor(Base):
    """One row: the oldest release, named by its newest migration, that may still work on this schema."""

    __tablename__ = "schema_floor"

    name: Mapped[str] = mapped_column(Slug, primary_key=True)
    oldest: Mapped[str] = mapped_column(State)
