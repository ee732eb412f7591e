"""Bundles from other installations: whose are taken, and where a revision came from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Hash, Id, Json, Moment, Name


class TrustedKey(Base):
    """A key of another installation whose bundles a workspace takes."""

    __tablename__ = "trusted_keys"
    __table_args__ = (UniqueConstraint("workspace_id", "public_key"), Index(None, "workspace_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    # 32 bytes in base64; and the fingerprint people compare.
    public_key: Mapped[str] = mapped_column(Name)
    key_id: Mapped[str] = mapped_column(Hash)
    name: Mapped[str] = mapped_column(Name)
    added_by: Mapped[str] = mapped_column(Id)
    added_by_name: Mapped[str] = mapped_column(Name)
    added_at: Mapped[datetime] = mapped_column(Moment)


class RevisionOrigin(Base):
    """Where an imported revision came from. Never changed."""

    __tablename__ = "revision_origins"

    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), index=True)
    bundle: Mapped[str] = mapped_column(Hash)
    public_key: Mapped[str] = mapped_column(Name)
    # What the key was called here when it was imported.
    signer: Mapped[str] = mapped_column(Name)
    # The links as they came, each signed by the installation it names.
    chain: Mapped[list[Any]] = mapped_column(Json)
    # Datasets by reference, and the bindings that were missing when it was imported all the same.
    datasets: Mapped[list[Any]] = mapped_column(Json)
    missing: Mapped[list[Any]] = mapped_column(Json)
    imported_by: Mapped[str] = mapped_column(Id)
    imported_by_name: Mapped[str] = mapped_column(Name)
    imported_at: Mapped[datetime] = mapped_column(Moment)
