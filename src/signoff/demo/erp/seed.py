"""A hundred and twenty purchase orders, computed: the same on every machine, so that the sample mail fits them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from signoff.demo.erp.vendors import VENDORS, VendorSeed

ORDERS = 120
# The oldest orders were invoiced and paid before the demo began.
ORDERS_BILLED = 15

Delivery = Literal["full", "partial", "none"]

# Stock number, description, price in euros.
_GOODS = tuple(
    (sku, description, Decimal(price))
    for sku, description, price in (
        ("CH-210", "Office chair, adjustable", "189.00"),
        ("DK-160", "Desk, 160 × 80 cm", "312.50"),
        ("PA-080", "Copy paper A4, box of 2,500", "24.90"),
        ("TN-044", "Toner cartridge, black", "78.40"),
        ("GL-009", "Safety gloves, pair", "6.35"),
        ("HM-101", "Safety helmet", "21.80"),
        ("CB-305", "Network cable Cat 6, 30 m", "17.25"),
        ("SW-024", "Switch, 24 ports", "245.00"),
        ("LB-500", "Shipping labels, roll of 500", "13.75"),
        ("BX-040", "Cardboard box 40 × 30 × 20", "0.84"),
        ("FL-012", "Stretch film, 500 mm", "9.60"),
        ("SC-M06", "Hex bolts M6, box of 200", "18.90"),
        ("DR-118", "Drill bit set, 19 pieces", "54.00"),
        ("LM-070", "LED panel 60 × 60", "63.20"),
        ("BT-012", "Battery pack 12 V", "96.10"),
        ("SN-003", "Temperature sensor", "41.55"),
        ("FI-220", "Air filter F7", "33.00"),
        ("CL-005", "Floor cleaner, 5 l", "15.40"),
        ("WB-180", "Whiteboard 180 × 120", "129.00"),
        ("PT-120", "Euro pallet", "22.70"),
    )
)
# Rough, and fixed: units of the currency for one euro.
_RATES = {
    "EUR": "1", "GBP": "0.86", "USD": "1.1", "CHF": "0.95", "PLN": "4.3", "SEK": "11.2", "JPY": "160", "CAD": "1.5",
    "AUD": "1.65", "NOK": "11.6", "DKK": "7.46", "CZK": "25", "HUF": "395", "SGD": "1.47", "NZD": "1.8", "ZAR": "20",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LineSeed:
    """One line of an order. `unit_cents` is without tax."""

    number: int
    sku: str
    description: str
    quantity: int
    unit_cents: int
    received: int

    @property
    def net_cents(self) -> int:
        """Return quantity × price, without tax."""
        return self.quantity * self.unit_cents


@dataclass(frozen=True, slots=True)
class OrderSeed:
    """One purchase order with its lines, and what has been delivered of it."""

    number: str
    vendor: VendorSeed
    ordered_on: date
    lines: tuple[LineSeed, ...]
    delivery: Delivery
    is_billed: bool

    @property
    def net_cents(self) -> int:
        """Return the sum of the lines."""
        return sum(line.net_cents for line in self.lines)

    @property
    def tax_cents(self) -> int:
        """Return the tax on the whole order, rounded half up."""
        return _rounded(self.net_cents * self.vendor.tax_percent / 100, self.vendor.currency)

    @property
    def total_cents(self) -> int:
        """Return what the supplier's invoice should ask for."""
        return self.net_cents + self.tax_cents


def _rounded(cents: Decimal, currency: str) -> int:
    # Nobody deals in hundredths of a yen.
    step = 100 if currency in ("JPY", "HUF") else 1
    return int((cents / step).quantize(Decimal(1), ROUND_HALF_UP)) * step


def _delivery(index: int) -> Delivery:
    # A vendor has every fortieth order; the shift makes them differ in how far they are delivered.
    return {3: "partial", 8: "none"}.get((index + index // 40 * 3) % 10, "full")  # pyright: ignore[reportReturnType]


def _line(index: int, position: int, vendor: VendorSeed, delivery: Delivery) -> LineSeed:
    sku, description, euros = _GOODS[(index * 3 + position * 7) % len(_GOODS)]
    unit = _rounded(euros * Decimal(_RATES[vendor.currency]) * 100, vendor.currency)
    quantity = 2 + (index * 13 + position * 5) % 24
    received = {"full": quantity, "partial": quantity // 2, "none": 0}[delivery]
    return LineSeed(position + 1, sku, description, quantity, unit, received)


def _order(index: int) -> OrderSeed:
    vendor = VENDORS[(index * 7) % len(VENDORS)]
    delivery: Delivery = "full" if index < ORDERS_BILLED else _delivery(index)
    return OrderSeed(
        number=f"PO-2026-{index + 1:04d}",
        vendor=vendor,
        ordered_on=date(2026, 6, 1) + timedelta(days=index * 4 // 3),
        lines=tuple(_line(index, position, vendor, delivery) for position in range(1 + index % 4)),
        delivery=delivery,
        is_billed=index < ORDERS_BILLED,
    )


PURCHASE_ORDERS: tuple[OrderSeed, ...] = tuple(_order(index) for index in range(ORDERS))
