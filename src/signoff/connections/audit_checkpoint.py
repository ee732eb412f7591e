"""A checkpoint of the audit to keep elsewhere: the number and the hash of its last row, signed.

Whoever may write to the database can cut rows off the end of a chain and move its head back; what is left is a whole
chain. Only what was kept outside tells.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from signoff.connections.audit_export import KIND as EXPORT_KIND
from signoff.connections.signing import Signer, is_signed
from signoff.kit import clock
from signoff.kit.canonical import canonical_json
from signoff.kit.errors import Malformed, NotNow
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.tables.immutable import AUDIT_DAYS_MIN

KIND = "signoff.audit-checkpoint.v1"
_LINES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept elsewhere says: row `seq` of this workspace, written at that moment, has this hash."""

    workspace_id: str
    seq: int
    hash: str
    at: datetime


def checkpoint_line(session: Session, principal: Principal, signer: Signer) -> bytes:
    """Return the line that names the last row of the audit, signed.

    Raises:
        NotAllowed: the caller may not read the audit.
        NotNow: there is no row, which cannot be unless somebody took them away.
    """
    authorize(principal, "audit.read")
    last = audit.last_row(session, principal.workspace_id)
    if last is None:
        raise NotNow("This workspace's audit has no rows. `signoff audit verify` tells what became of them.")
    claim = {
        "kind": KIND,
        "workspace_id": principal.workspace_id,
        "taken_at": clock.now().isoformat(),
        "last_seq": last.seq,
        "last_hash": last.hash,
        "last_at": last.at.isoformat(),
        "key_id": signer.id,
        "public_key": signer.public_key,
    }
    signature = signer.sign(canonical_json(claim).encode())
    return (json.dumps({"claim": claim, "signature": signature}) + "\n").encode("ascii")


def kept_in(lines: Iterable[bytes], public_keys: Iterable[str], workspace_id: str) -> list[Kept]:
    """Return what a file of checkpoints, or an export's last line, says of this workspace, the latest row first.

    Raises:
        Malformed: a line is not signed with one of `public_keys`, or none is about this workspace.
    """
    keys, found = set(public_keys), list[Kept]()
    for number, claim in _signed_claims(lines):
        if not any(is_signed(key, claim["signature"], canonical_json(claim["claim"]).encode()) for key in keys):
            raise Malformed(f"Line {number} of the checkpoints is not signed with a key of this installation.")
        said = _read(claim["claim"])
        if said is None:
            raise Malformed(f"Line {number} is not a checkpoint of an audit.")
        if said.workspace_id == workspace_id:
            found.append(said)
    if not found:
        raise Malformed("The file holds no checkpoint of this workspace.")
    return sorted(found, key=lambda kept: kept.seq, reverse=True)


def compare(session: Session, workspace_id: str, kept: Iterable[Kept], verdict: audit.Verdict) -> audit.Verdict:
    """Return `verdict`, or what the first checkpoint says that the chain does not fit, where the chain itself holds."""
    if verdict.first_broken_seq is not None:
        return verdict
    start, end = audit.start_of(session, workspace_id), audit.end_of(session, workspace_id)
    for one in kept:
        reason, seq = _misfit(session, workspace_id, one, start, end.seq or 0)
        if reason:
            return audit.Verdict(min(verdict.rows, max(0, seq - 1 - start.seq)), seq, reason, verdict.from_seq)
    return verdict


def _misfit(session: Session, workspace_id: str, kept: Kept, start: audit.Start, last: int) -> tuple[str, int]:
    if kept.seq > last:
        return f"rows at the end are missing: a checkpoint names row {kept.seq}", last + 1
    if kept.seq < start.seq:
        # A row is let go after half a year at the least; until then a checkpoint finds it.
        is_old = kept.at < clock.now() - timedelta(days=AUDIT_DAYS_MIN)
        return ("", 0) if is_old else ("it was let go, though a checkpoint names it as younger than that", kept.seq)
    found = start.hash if kept.seq == start.seq else audit.hash_at(session, workspace_id, kept.seq)
    return ("", 0) if found == kept.hash else ("it is not the row that a checkpoint names", kept.seq)


def _signed_claims(lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line that claims something, with its number: an export's rows are passed over."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        parsed = _parsed(line)
        if parsed is None or (number > _LINES_MAX and "claim" in parsed):
            raise Malformed(f"Line {number} is not a checkpoint of an audit.")
        if isinstance(parsed.get("claim"), dict) and isinstance(parsed.get("signature"), str):
            yield number, parsed


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None  # pyright: ignore[reportUnknownVariableType]


def _read(claim: dict[str, Any]) -> Kept | None:
    # The last row of an export is that it was taken.
    moment = {KIND: "last_at", EXPORT_KIND: "exported_at"}.get(str(claim.get("kind")), "")
    try:
        return Kept(
            str(claim["workspace_id"]),
            int(claim["last_seq"]),
            str(claim["last_hash"]),
            datetime.fromisoformat(claim[moment]),
        )
    except (KeyError, TypeError, ValueError):
        return None
