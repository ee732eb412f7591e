"""What can be asked of the ERP. Nothing here writes."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

from signoff.demo.erp.database import connect
from signoff.demo.erp.wording import ErpRefusal, money, plain_name, required

ROWS_MAX = 50

_BILLS = (
    "SELECT b.*, v.name AS vendor_name FROM bills b JOIN vendors v ON v.id = b.vendor_id "
    "WHERE b.order_number = ? ORDER BY b.id LIMIT ?"
)


def normal_number(number: str) -> str:
    """Return an order number as the ERP writes it: "po 2026/41" → "PO-2026-0041"; others only trimmed."""
    text = number.strip().upper()
    match = re.fullmatch(r"(?:PO)?[\s#:./-]*(20\d\d)[\s./-]*(\d{1,4})", text)
    return f"PO-{match[1]}-{int(match[2]):04d}" if match else text[:60]


def find_vendor(connection: sqlite3.Connection, name: str) -> sqlite3.Row | None:
    """Return the vendor with this id, name, or mail domain (also as part of an address), or None."""
    text = required(name, "vendor")
    row = connection.execute(
        "SELECT * FROM vendors WHERE id = ? OR domain = ?", (text.upper(), text.rpartition("@")[2].lower().rstrip(">"))
    ).fetchone()
    if row is not None:
        return row
    wanted = plain_name(text)
    if not wanted:
        return None
    rows = connection.execute("SELECT * FROM vendors ORDER BY id").fetchall()
    return next((row for row in rows if plain_name(row["name"]) == wanted), None)


def vendor_of(path: Path, vendor: str) -> dict[str, Any]:
    """Return one vendor, with the numbers of its orders."""
    with connect(path) as connection:
        row = find_vendor(connection, vendor)
        if row is None:
            raise ErpRefusal(f"There is no vendor {vendor.strip()[:80]!r}. Give its id, exact name or mail domain.")
        numbers = connection.execute("SELECT number FROM orders WHERE vendor_id = ? ORDER BY number", (row["id"],))
        return {**dict(row), "purchase_orders": [number for (number,) in numbers]}


def order_row(connection: sqlite3.Connection, number: str) -> sqlite3.Row | None:
    """Return the order with its vendor's name and what was billed and received, or None."""
    return connection.execute(
        """
        SELECT o.*, v.name AS vendor_name, v.domain AS vendor_domain,
            (SELECT coalesce(sum(b.amount_cents), 0) FROM bills b WHERE b.order_number = o.number) AS billed_cents,
            (SELECT coalesce(sum(l.quantity), 0) FROM order_lines l WHERE l.order_number = o.number) AS ordered,
            (SELECT coalesce(sum(r.quantity), 0) FROM receipts r WHERE r.order_number = o.number) AS received
        FROM orders o JOIN vendors v ON v.id = o.vendor_id WHERE o.number = ?
        """,
        (normal_number(number),),
    ).fetchone()


def summary(row: sqlite3.Row) -> dict[str, Any]:
    """Return an order as the outside sees it. `open_amount` is what may still be billed, tax included."""
    total = row["net_cents"] + row["tax_cents"]
    return {
        "po_number": row["number"],
        "vendor_id": row["vendor_id"],
        "vendor": row["vendor_name"],
        "vendor_domain": row["vendor_domain"],
        "currency": row["currency"],
        "ordered_on": row["ordered_on"],
        "payment_terms": row["terms"],
        "net": money(row["net_cents"]),
        "tax": money(row["tax_cents"]),
        "total": money(total),
        "billed_amount": money(row["billed_cents"]),
        "open_amount": money(max(0, total - row["billed_cents"])),
        "goods_received": _received(row["ordered"], row["received"]),
        "status": "billed" if row["billed_cents"] >= total else "open",
    }


def _received(ordered: int, received: int) -> str:
    if received <= 0:
        return "none"
    return "full" if received >= ordered else "partial"


def order(path: Path, number: str) -> dict[str, Any]:
    """Return one order with its lines, goods receipts and bills.

    Raises:
        ErpRefusal: there is no such order.
    """
    with connect(path) as connection:
        connection.execute("BEGIN")  # One view of it all: what is open and what was billed must agree.
        row = order_row(connection, required(number, "purchase order number"))
        if row is None:
            raise ErpRefusal(f"There is no purchase order {normal_number(number)!r} in this ERP.")
        key = (row["number"],)
        lines = connection.execute("SELECT * FROM order_lines WHERE order_number = ? ORDER BY line", key).fetchall()
        receipts = connection.execute("SELECT * FROM receipts WHERE order_number = ? ORDER BY number", key).fetchall()
        posted = connection.execute(_BILLS, (row["number"], ROWS_MAX)).fetchall()
    return {
        **summary(row),
        "lines": [
            {
                "line": line["line"],
                "sku": line["sku"],
                "description": line["description"],
                "quantity": line["quantity"],
                "unit_price": money(line["unit_cents"]),
                "net": money(line["quantity"] * line["unit_cents"]),
            }
            for line in lines
        ],
        "receipts": [
            {"number": r["number"], "line": r["line"], "quantity": r["quantity"], "received_on": r["received_on"]}
            for r in receipts
        ],
        "bills": [bill(item) for item in posted],
    }


def find_orders(path: Path, *, po_number: str, vendor: str, status: str) -> dict[str, Any]:
    """Return the orders that fit all given fields, newest first, at most `ROWS_MAX`; "more" says there were others."""
    if not po_number.strip() and not vendor.strip():
        raise ErpRefusal("Give a po_number or a vendor to look for.")
    with connect(path) as connection:
        if po_number.strip():
            numbers = [normal_number(po_number)]
        else:
            found = find_vendor(connection, vendor)
            query = "SELECT number FROM orders WHERE vendor_id = ? ORDER BY number DESC"
            numbers = [n for (n,) in connection.execute(query, (found["id"],))] if found else []
        rows = [row for number in numbers if (row := order_row(connection, number)) is not None]
        if po_number.strip() and vendor.strip():
            found = find_vendor(connection, vendor)
            rows = [row for row in rows if found is not None and row["vendor_id"] == found["id"]]
    orders = [item for item in map(summary, rows) if not status or item["status"] == status]
    return {"purchase_orders": orders[:ROWS_MAX], "more": len(orders) > ROWS_MAX}


def bills(path: Path, po_number: str) -> dict[str, Any]:
    """Return the bills posted on one order, oldest first."""
    with connect(path) as connection:
        number = normal_number(required(po_number, "purchase order number"))
        rows = connection.execute(_BILLS, (number, ROWS_MAX)).fetchall()
    return {"bills": [bill(row) for row in rows]}


def bill(row: sqlite3.Row) -> dict[str, Any]:
    """Return one bill as the outside sees it."""
    return {
        "bill_id": f"BILL-{row['id']:05d}",
        "po_number": row["order_number"],
        "vendor": row["vendor_name"],
        "invoice_number": row["invoice_number"],
        "amount": money(row["amount_cents"]),
        "currency": row["currency"],
        "posted_at": row["posted_at"],
    }
