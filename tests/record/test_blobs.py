"""Bodies are stored once, come back whole, and stay inside their workspace."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from signoff.kit import clock
from signoff.kit.errors import NotFound, StoreError
from signoff.record.blobs import BlobStore
from signoff.tables.people import Workspace
from signoff.tables.record import Blob
from signoff.tables.session import Store

BODY = bytes(range(256)) * 5000


@pytest.fixture(params=["database", "folder"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return BlobStore(None if request.param == "database" else tmp_path / "blobs")


@pytest.fixture
def workspaces(store: Store) -> tuple[str, str]:
    with store.write() as session:
        for name in ("a", "b"):
            session.add(Workspace(id=f"ws_{name}", slug=name, name=name, created_at=clock.now()))
    return "ws_a", "ws_b"


def test_a_body_is_stored_once_and_comes_back(store: Store, blobs: BlobStore, workspaces: tuple[str, str]) -> None:
    ours, theirs = workspaces
    with store.write() as session:
        first = blobs.put(session, workspace_id=ours, data=BODY, media_type="application/pdf")
        assert blobs.put(session, workspace_id=ours, data=BODY, media_type="application/pdf") == first
        assert blobs.put(session, workspace_id=theirs, data=BODY, media_type="application/pdf") != first
        assert session.scalar(select(func.count()).select_from(Blob)) == 2
    with store.read() as session:
        assert blobs.get(session, workspace_id=ours, blob_id=first) == (BODY, "application/pdf")
        with pytest.raises(NotFound):
            blobs.get(session, workspace_id=theirs, blob_id=first)


def test_a_missing_file_is_a_fault_in_words(store: Store, tmp_path: Path, workspaces: tuple[str, str]) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    with store.write() as session:
        blob_id = blobs.put(session, workspace_id=workspaces[0], data=b"x", media_type="text/plain")
    for file in (tmp_path / "blobs").rglob("*"):
        if file.is_file():
            file.unlink()
    with store.read() as session, pytest.raises(StoreError, match="missing from the blob folder"):
        blobs.get(session, workspace_id=workspaces[0], blob_id=blob_id)
