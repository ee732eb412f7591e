"""The audit as a file that proves itself: JSON lines, each chained to the one before, and one last line that signs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.connections.signing import Signer, is_signed, signer_for
from signoff.connections.vault import Vault
from signoff.kit import clock
from signoff.kit.canonical import canonical_json
from signoff.people.access import Principal, authorize
from signoff.people.facts import AuditFacts
from signoff.record import audit
from signoff.tables.record import AuditHead

KIND = "signoff.audit.v1"
_LINE_BYTES_MAX = 1_000_000


@dataclass(slots=True)
class Export:
    """An export under way. `lines` for each batch of rows, then `last_line`."""

    workspace_id: str
    exported_by: str
    signer: Signer = field(repr=False)
    seq: int
    hash: str
    until_seq: int
    rows: int = 0
    started_at: datetime = field(default_factory=clock.now)
    _digest: Any = field(default_factory=hashlib.sha256, repr=False)
    _first: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_over(self) -> bool:
        """Return whether every row is told that was there when it began: what comes later is another export's."""
        return self.seq >= self.until_seq

    def lines(self, rows: Iterable[AuditFacts]) -> bytes:
        """Return the next rows as lines."""
        if not self._first:
            self._first = {"after_seq": self.seq, "after_hash": self.hash}
        text = ""
        for row in rows:
            if row.seq > self.until_seq:
                break
            told = {**asdict(row), "at": row.at.isoformat(), "workspace_id": self.workspace_id}
            text += json.dumps(told, ensure_ascii=True) + "\n"
            self.seq, self.hash, self.rows = row.seq, row.hash, self.rows + 1
        data = text.encode("ascii")
        self._digest.update(data)
        return data

    def last_line(self) -> bytes:
        """Return the line that signs all lines before it."""
        claim = {
            "kind": KIND,
            "workspace_id": self.workspace_id,
            "exported_by": self.exported_by,
            "exported_at": self.started_at.isoformat(),
            "rows": self.rows,
            **(self._first or {"after_seq": self.seq, "after_hash": self.hash}),
            "last_seq": self.seq,
            "last_hash": self.hash,
            "sha256": self._digest.hexdigest(),
            "key_id": self.signer.id,
            "public_key": self.signer.public_key,
        }
        signature = self.signer.sign(canonical_json(claim).encode())
        return (json.dumps({"claim": claim, "signature": signature}) + "\n").encode("ascii")


def begin_export(session: Session, principal: Principal, vault: Vault) -> Export:
    """Note in the audit that it is taken away, and return the export. That row is part of it.

    Raises:
        NotAllowed: the caller may not read the audit.
    """
    authorize(principal, "audit.read")
    signer = signer_for(session, vault)
    start = audit.start_of(session, principal.workspace_id)
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="audit.exported",
        object_kind="workspace",
        object_id=principal.workspace_id,
        detail={"after_seq": start.seq, "key": signer.id},
    )
    until = session.scalars(select(AuditHead.seq).where(AuditHead.workspace_id == principal.workspace_id)).one()
    return Export(principal.workspace_id, principal.name, signer, start.seq, start.hash, until)


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking a file found. `line` is the first line that does not hold; None when all do."""

    is_good: bool
    rows: int
    reason: str = ""
    line: int | None = None
    workspace_id: str = ""
    exported_at: str = ""
    key_id: str = ""


def check_export(lines: Iterator[bytes], public_keys: Iterable[str]) -> Checked:
    """Check a file: each row's hash, each link, and the signature by one of `public_keys`. Reads it line by line."""
    digest, count, link, last = hashlib.sha256(), 0, ("", -1), b""
    first: dict[str, Any] = {}
    for line in lines:
        if last:
            row = _parsed(last)
            reason = _fault(row, link, is_first=count == 0)
            if row is None or reason:
                return Checked(False, count, reason, count + 1)
            first = first or {"after_seq": row["seq"] - 1, "after_hash": row["previous_hash"]}
            digest.update(last)
            link, count = (row["hash"], row["seq"]), count + 1
        last = line
    return _signed(last, count, link, first, digest.hexdigest(), set(public_keys))


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        row: Any = json.loads(line) if len(line) <= _LINE_BYTES_MAX else None
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None  # pyright: ignore[reportUnknownVariableType]


def _fault(row: dict[str, Any] | None, link: tuple[str, int], *, is_first: bool) -> str:
    if row is None:
        return "it is not a line of JSON"
    try:
        made = audit.row_hash(SimpleNamespace(**{**row, "at": datetime.fromisoformat(row["at"])}))
        if made != row["hash"]:
            return "its content was changed"
        if not is_first and (row["previous_hash"], row["seq"]) != (link[0], link[1] + 1):
            return "it does not follow the line before it"
    except (AttributeError, KeyError, TypeError, ValueError):
        return "it is not a row of an audit"
    return ""


def _signed(
    line: bytes, count: int, link: tuple[str, int], first: dict[str, Any], digest: str, keys: set[str]
) -> Checked:
    last = _parsed(line) or {}
    claim, signature = last.get("claim"), last.get("signature")
    if not isinstance(claim, dict) or not isinstance(signature, str):
        return Checked(False, count, "the last line, which signs the others, is missing: the file was cut", count + 1)
    said: dict[str, Any] = claim  # pyright: ignore[reportUnknownVariableType]
    found = {"kind": KIND, "rows": count, "sha256": digest}
    if count:
        found |= {"last_hash": link[0], "last_seq": link[1], **first}
    for name, value in found.items():
        if said.get(name) != value:
            return Checked(False, count, f"what is signed does not fit the lines: {name}", count + 1)
    if not any(is_signed(key, signature, canonical_json(said).encode()) for key in keys):
        return Checked(False, count, "the signature is not by a key of this installation", count + 1)
    return Checked(
        True, count, "", None, str(said.get("workspace_id")), str(said.get("exported_at")), str(said.get("key_id"))
    )
