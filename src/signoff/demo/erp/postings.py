"""What changes the ERP. Every call ends in the log of effects; only "posted" and "flagged" changed something."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signoff.demo.erp.database import writing
from signoff.demo.erp.lookups import bill, find_vendor, normal_number, order_row
from signoff.demo.erp.wording import ErpRefusal, cents, money, required
from signoff.kit.canonical import content_hash
from signoff.kit.clock import now

_LINES_MAX = 500
_KEY_CHARS_MAX = 300


@dataclass(frozen=True, slots=True)
class BillRequest:
    """An invoice to book. `amount` is in units of `currency`, tax included."""

    po_number: str
    vendor: str
    invoice_number: str
    amount: float
    currency: str
    lines: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class MismatchRequest:
    """An invoice that does not fit; a person in accounts payable will read `details`."""

    po_number: str
    invoice_number: str
    reason: str
    details: str


def post_bill(path: Path, request: BillRequest, *, key: str | None) -> dict[str, Any]:
    """Book an invoice, once: a repeated key returns the first answer, a known invoice "already_posted".

    Raises:
        ErpRefusal: no such order, another vendor's, another currency, more than is open, or a key used for two things.
    """
    invoice = required(request.invoice_number, "invoice number", chars_max=80)
    fingerprint = content_hash(
        [normal_number(request.po_number), request.vendor, invoice, cents(request.amount), request.currency.upper()]
    )
    with writing(path) as connection:
        earlier = _earlier(connection, "post_bill", key, fingerprint)
        if earlier is not None:
            _log(connection, "post_bill", "replayed", invoice, key)
            return earlier
        answer = _book(connection, request, invoice, key)
        _remember(connection, "post_bill", key, fingerprint, answer)
        _log(connection, "post_bill", answer["outcome"], f"{answer['bill']['vendor']} {invoice}", key)
        return answer


def flag_mismatch(path: Path, request: MismatchRequest, *, key: str | None) -> dict[str, Any]:
    """Put an invoice before a person. The same order, invoice and reason is one flag however often it is sent."""
    number = normal_number(request.po_number)
    invoice = request.invoice_number.strip()[:80]
    reason = required(request.reason, "reason", chars_max=80)
    details = request.details.strip()[:4_000]
    fingerprint = content_hash([number, invoice, reason, details])
    with writing(path) as connection:
        earlier = _earlier(connection, "flag_mismatch", key, fingerprint)
        if earlier is not None:
            _log(connection, "flag_mismatch", "replayed", invoice, key)
            return earlier
        row = connection.execute(
            "SELECT id FROM mismatches WHERE order_number = ? AND invoice_number = ? AND reason = ?",
            (number, invoice, reason),
        ).fetchone()
        outcome = "flagged" if row is None else "already_flagged"
        flag = row["id"] if row else _insert_flag(connection, (number, invoice, reason, details), key)
        answer = {"outcome": outcome, "mismatch_id": f"MIS-{flag:05d}", "po_number": number, "invoice_number": invoice}
        _remember(connection, "flag_mismatch", key, fingerprint, answer)
        _log(connection, "flag_mismatch", outcome, f"{number} {invoice} {reason}".strip(), key)
        return answer


def _book(connection: sqlite3.Connection, request: BillRequest, invoice: str, key: str | None) -> dict[str, Any]:
    order = order_row(connection, required(request.po_number, "purchase order number"))
    if order is None:
        raise ErpRefusal(f"There is no purchase order {normal_number(request.po_number)!r}. Flag a mismatch instead.")
    vendor = find_vendor(connection, request.vendor)
    if vendor is None or vendor["id"] != order["vendor_id"]:
        raise ErpRefusal(
            f"{order['number']} was placed with {order['vendor_name']}, not with {request.vendor.strip()[:80]!r}."
        )
    known = _bill_row(connection, vendor["id"], invoice)
    if known is not None:
        return {"outcome": "already_posted", "bill": bill(known)}
    _check(order, request)
    connection.execute(
        "INSERT INTO bills (order_number, vendor_id, invoice_number, amount_cents, currency, lines, posted_at, "
        "idempotency_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order["number"],
            vendor["id"],
            invoice,
            cents(request.amount),
            order["currency"],
            json.dumps(request.lines) if request.lines else None,
            now().isoformat(),
            key,
        ),
    )
    posted = _bill_row(connection, vendor["id"], invoice)
    if posted is None:
        raise AssertionError("A bill just inserted must be there.")
    return {"outcome": "posted", "bill": bill(posted)}


def _check(order: sqlite3.Row, request: BillRequest) -> None:
    currency = request.currency.strip().upper()
    if currency != order["currency"]:
        raise ErpRefusal(
            f"{order['number']} is in {order['currency']}; the invoice is in {currency[:10] or 'nothing'}."
        )
    open_cents = order["net_cents"] + order["tax_cents"] - order["billed_cents"]
    if cents(request.amount) > open_cents + 100:  # One unit over is rounding; more is somebody's mistake.
        raise ErpRefusal(
            f"{order['number']} has {money(max(0, open_cents)):.2f} {currency} left to bill; "
            f"{money(cents(request.amount)):.2f} is more. Flag a mismatch instead."
        )
    if request.lines and len(request.lines) > _LINES_MAX:
        raise ErpRefusal(f"A bill has at most {_LINES_MAX} lines.")


def _bill_row(connection: sqlite3.Connection, vendor_id: str, invoice: str) -> sqlite3.Row | None:
    return connection.execute(
        "SELECT b.*, v.name AS vendor_name FROM bills b JOIN vendors v ON v.id = b.vendor_id "
        "WHERE b.vendor_id = ? AND b.invoice_number = ?",
        (vendor_id, invoice),
    ).fetchone()


def _insert_flag(connection: sqlite3.Connection, fields: tuple[str, str, str, str], key: str | None) -> int:
    cursor = connection.execute(
        "INSERT INTO mismatches (order_number, invoice_number, reason, details, flagged_at, idempotency_key) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (*fields, now().isoformat(), key),
    )
    return cursor.lastrowid or 0


def _earlier(connection: sqlite3.Connection, tool: str, key: str | None, fingerprint: str) -> dict[str, Any] | None:
    if key is None:
        return None
    if len(key) > _KEY_CHARS_MAX:
        raise ErpRefusal(f"An idempotency key has at most {_KEY_CHARS_MAX} characters.")
    row = connection.execute("SELECT * FROM answers WHERE idempotency_key = ?", (key,)).fetchone()
    if row is None:
        return None
    if row["tool"] != tool or row["request_hash"] != fingerprint:
        raise ErpRefusal("This idempotency key was used for another request. A new request needs a new key.")
    return {**json.loads(row["answer"]), "replayed": True}


def _remember(
    connection: sqlite3.Connection, tool: str, key: str | None, fingerprint: str, answer: dict[str, Any]
) -> None:
    if key is not None:
        row = (key, tool, fingerprint, json.dumps(answer), now().isoformat())
        connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", row)


def _log(connection: sqlite3.Connection, tool: str, outcome: str, subject: str, key: str | None) -> None:
    connection.execute(
        "INSERT INTO effects (at, tool, outcome, subject, idempotency_key) VALUES (?, ?, ?, ?, ?)",
        (now().isoformat(), tool, outcome, subject[:300], key),
    )
