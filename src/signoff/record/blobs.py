"""Large bodies, stored once by content: in the database, or in a folder beside it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from signoff.kit import clock, ids
from signoff.kit.errors import NotFound, StoreError
from signoff.tables.record import Blob


@dataclass(frozen=True, slots=True)
class BlobStore:
    """Where bodies lie. `folder` None means in the database."""

    folder: Path | None = None

    def put(self, session: Session, *, workspace_id: str, data: bytes, media_type: str) -> str:
        """Store `data` and return its id; equal data of one workspace is stored once."""
        digest = hashlib.sha256(data).hexdigest()
        found = session.scalar(select(Blob.id).where(Blob.workspace_id == workspace_id, Blob.sha256 == digest))
        if found:
            return found
        if self.folder is not None:
            _write_once(self._path(self.folder, workspace_id, digest), data)
        blob = Blob(
            id=ids.new_id("blob"),
            workspace_id=workspace_id,
            sha256=digest,
            media_type=media_type,
            size_bytes=len(data),
            place="database" if self.folder is None else "folder",
            data=data if self.folder is None else None,
            created_at=clock.now(),
        )
        session.add(blob)
        session.flush()
        return blob.id

    def get(self, session: Session, *, workspace_id: str, blob_id: str) -> tuple[bytes, str]:
        """Return the bytes and their media type.

        Raises:
            NotFound: this workspace has no such body.
            StoreError: the file behind it is gone.
        """
        blob = session.scalar(
            select(Blob).where(Blob.id == blob_id, Blob.workspace_id == workspace_id).options(undefer(Blob.data))
        )
        if blob is None:
            raise NotFound("There is no such file here.")
        if blob.place == "database":
            return blob.data or b"", blob.media_type
        if self.folder is None:
            raise StoreError("This body lies in a folder, and no folder is set (SIGNOFF_BLOB_STORE=folder).")
        try:
            return self._path(self.folder, workspace_id, blob.sha256).read_bytes(), blob.media_type
        except OSError as error:
            raise StoreError(f"The body {blob_id} is missing from the blob folder.") from error

    @staticmethod
    def _path(folder: Path, workspace_id: str, digest: str) -> Path:
        return folder / workspace_id / digest[:2] / digest


def _write_once(path: Path, data: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # A reader sees the whole file or none, also after a power cut.
    part = path.with_name(f"{path.name}.{ids.new_id('part')}")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
