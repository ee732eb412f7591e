"""How each member likes to look at the inbox."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Long, Moment, Name


class SavedView(Base):
    """A member's own view of the inbox: a name for a set of filters."""

    __tablename__ = "saved_views"
    # Saved again under the same name, it is the new one; and the index a member's views are found by.
    __table_args__ = (UniqueConstraint("workspace_id", "member_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"))
    name: Mapped[str] = mapped_column(Name)
    # The filters, as the query of the inbox's address.
    query: Mapped[str] = mapped_column(Long)
    created_at: Mapped[datetime] = mapped_column(Moment)
