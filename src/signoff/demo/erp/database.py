"""The ERP's tables, and its one way to a connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from signoff.demo.erp.seed import PURCHASE_ORDERS, OrderSeed
from signoff.demo.erp.vendors import VENDORS
from signoff.kit.private import private_file, private_folder

_BUSY_SECONDS = 30.0

_TABLES = """
CREATE TABLE IF NOT EXISTS vendors (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL, currency TEXT NOT NULL,
    domain TEXT NOT NULL, terms TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS orders (
    number TEXT PRIMARY KEY, vendor_id TEXT NOT NULL REFERENCES vendors, currency TEXT NOT NULL,
    ordered_on TEXT NOT NULL, terms TEXT NOT NULL, net_cents INTEGER NOT NULL, tax_cents INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS orders_by_vendor ON orders (vendor_id, number);
CREATE TABLE IF NOT EXISTS order_lines (
    order_number TEXT NOT NULL REFERENCES orders, line INTEGER NOT NULL, sku TEXT NOT NULL,
    description TEXT NOT NULL, quantity INTEGER NOT NULL, unit_cents INTEGER NOT NULL,
    PRIMARY KEY (order_number, line)
) STRICT;
CREATE TABLE IF NOT EXISTS receipts (
    number TEXT PRIMARY KEY, order_number TEXT NOT NULL REFERENCES orders, line INTEGER NOT NULL,
    quantity INTEGER NOT NULL, received_on TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS receipts_by_order ON receipts (order_number);
CREATE TABLE IF NOT EXISTS bills (
    id INTEGER PRIMARY KEY, order_number TEXT NOT NULL REFERENCES orders,
    vendor_id TEXT NOT NULL REFERENCES vendors, invoice_number TEXT NOT NULL, amount_cents INTEGER NOT NULL,
    currency TEXT NOT NULL, lines TEXT, posted_at TEXT NOT NULL, idempotency_key TEXT,
    UNIQUE (vendor_id, invoice_number)
) STRICT;
CREATE INDEX IF NOT EXISTS bills_by_order ON bills (order_number);
CREATE TABLE IF NOT EXISTS mismatches (
    id INTEGER PRIMARY KEY, order_number TEXT NOT NULL, invoice_number TEXT NOT NULL, reason TEXT NOT NULL,
    details TEXT NOT NULL, flagged_at TEXT NOT NULL, idempotency_key TEXT,
    UNIQUE (order_number, invoice_number, reason)
) STRICT;
CREATE TABLE IF NOT EXISTS answers (
    idempotency_key TEXT PRIMARY KEY, tool TEXT NOT NULL, request_hash TEXT NOT NULL, answer TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS effects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, tool TEXT NOT NULL, outcome TEXT NOT NULL,
    subject TEXT NOT NULL, idempotency_key TEXT
) STRICT;
CREATE TRIGGER IF NOT EXISTS effects_never_change BEFORE UPDATE ON effects
    BEGIN SELECT RAISE(ABORT, 'The log of effects is only ever added to.'); END;
CREATE TRIGGER IF NOT EXISTS effects_never_go BEFORE DELETE ON effects
    BEGIN SELECT RAISE(ABORT, 'The log of effects is only ever added to.'); END;
CREATE TABLE IF NOT EXISTS tokens (hash TEXT PRIMARY KEY, issued_at TEXT NOT NULL) STRICT;
"""


@contextmanager
def connect(path: Path) -> Generator[sqlite3.Connection]:
    """Open the ERP's file for reading or for one `writing` block. Commits nothing by itself."""
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection
    finally:
        connection.close()


@contextmanager
def writing(path: Path) -> Generator[sqlite3.Connection]:
    """One transaction, alone from its first statement: what it reads cannot change before it writes."""
    with connect(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def prepare(path: Path) -> None:
    """Make the tables and fill them, once. Safe to call on every start, from several processes."""
    private_folder(path.parent)
    private_file(path)
    with connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_TABLES)
    with writing(path) as connection:
        if connection.execute("SELECT 1 FROM vendors LIMIT 1").fetchone() is None:
            _fill(connection)


def _fill(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO vendors VALUES (?, ?, ?, ?, ?, ?)",
        [(v.id, v.name, v.country, v.currency, v.domain, v.terms) for v in VENDORS],
    )
    for order in PURCHASE_ORDERS:
        _fill_order(connection, order)


def _fill_order(connection: sqlite3.Connection, order: OrderSeed) -> None:
    vendor = order.vendor
    ordered_on = order.ordered_on.isoformat()
    connection.execute(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
        (order.number, vendor.id, vendor.currency, ordered_on, vendor.terms, order.net_cents, order.tax_cents),
    )
    for line in order.lines:
        connection.execute(
            "INSERT INTO order_lines VALUES (?, ?, ?, ?, ?, ?)",
            (order.number, line.number, line.sku, line.description, line.quantity, line.unit_cents),
        )
        if line.received:
            number = f"GR-{order.number[3:]}-{line.number}"
            connection.execute(
                "INSERT INTO receipts VALUES (?, ?, ?, ?, ?)",
                (number, order.number, line.number, line.received, ordered_on),
            )
    if order.is_billed:
        connection.execute(
            "INSERT INTO bills (order_number, vendor_id, invoice_number, amount_cents, currency, posted_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (order.number, vendor.id, f"INV-{order.number[8:]}-A", order.total_cents, vendor.currency, ordered_on),
        )
