"""What to do with an invoice, once the ERP has been asked. Pure: facts and rows in, one verdict out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from signoff.demo.erp.wording import plain_name
from signoff.demo.reading.facts import Facts
from signoff.demo.reading.money import ANY_DOLLAR, DOLLARS

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far an invoice may be from what is open: so many units, and so many per cent, whichever is more."""

    units: Decimal = Decimal("0.02")
    percent: Decimal = Decimal(0)

    def allows(self, asked: Decimal, open_amount: Decimal) -> bool:
        """Return whether the two are close enough."""
        return abs(asked - open_amount) <= max(self.units, open_amount * self.percent / 100)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Post it, flag it (with the ERP's reason code), or leave it because it is booked already."""

    do: Literal["post", "flag", "leave"]
    code: str
    why: str


def flag(code: str, why: str) -> Verdict:
    """Return the verdict that a person must look."""
    return Verdict("flag", code, why)


def judge(facts: Facts, order: Row, bills: list[Row], tolerance: Tolerance) -> Verdict:
    """Return what to do with an invoice that names exactly one order the ERP knows."""
    booked = _booked(facts, bills)
    if booked is not None:
        return booked
    for check in (_same_vendor, _complete, _same_currency, _something_open, _goods_here):
        objection = check(facts, order)
        if objection is not None:
            return objection
    asked, open_amount = facts.amount or Decimal(0), _decimal(order.get("open_amount"))
    name, currency = order.get("po_number"), order.get("currency")
    if not tolerance.allows(asked, open_amount):
        return flag(
            "amount_mismatch",
            f"The invoice asks for {asked:,.2f} {currency}; {name} has {open_amount:,.2f} {currency} open.",
        )
    return Verdict("post", "", f"The amount, currency and vendor match {name}, and the goods have been received.")


def currency_of(facts: Facts, order: Row) -> str | None:
    """Return the invoice's currency; a bare "$" is the order's when that is a dollar."""
    if facts.currency == ANY_DOLLAR:
        return order["currency"] if order.get("currency") in DOLLARS else None
    return facts.currency


def _booked(facts: Facts, bills: list[Row]) -> Verdict | None:
    for bill in bills:
        if facts.invoice and str(bill.get("invoice_number", "")).casefold() == facts.invoice.casefold():
            amount = _decimal(bill.get("amount"))
            if facts.amount is not None and abs(amount - facts.amount) > Decimal("0.02"):
                return flag(
                    "already_billed",
                    f"Invoice {facts.invoice} is booked with {amount:,.2f}; this message asks for {facts.amount:,.2f}.",
                )
            return Verdict("leave", "", f"Invoice {facts.invoice} is booked already as {bill.get('bill_id')}.")
    return None


def _same_vendor(facts: Facts, order: Row) -> Verdict | None:
    domain, vendor = str(order.get("vendor_domain", "")), str(order.get("vendor", ""))
    senders = facts.mail.senders
    if any(sender == domain or sender.endswith(f".{domain}") for sender in senders):
        return None
    named = plain_name(vendor) in plain_name(facts.text)
    remark = " It names that vendor, but anyone can write a name." if named else ""
    who = ", ".join(senders[:3]) or "an unknown sender"
    return flag(
        "vendor_mismatch", f"The message came from {who}; {order.get('po_number')} was placed with {vendor}.{remark}"
    )


def _complete(facts: Facts, order: Row) -> Verdict | None:
    if len(facts.invoices) != 1:
        found = ", ".join(facts.invoices[:5])
        return flag("unclear", f"It names several invoice numbers: {found}." if found else "It has no invoice number.")
    if len(facts.amounts) != 1 or facts.amounts[0] <= 0:
        found = ", ".join(f"{amount:,.2f}" for amount in facts.amounts[:5])
        return flag("unclear", f"The total is not clear; it names {found}." if found else "It names no total.")
    return None


def _same_currency(facts: Facts, order: Row) -> Verdict | None:
    currency = currency_of(facts, order)
    if currency is None:
        return flag("unclear", "The currency is not clear.")
    if currency == order.get("currency"):
        return None
    return flag(
        "currency_mismatch",
        f"The invoice is in {currency}; {order.get('po_number')} is in {order.get('currency')}.",
    )


def _something_open(facts: Facts, order: Row) -> Verdict | None:
    if _decimal(order.get("open_amount")) > 0:
        return None
    return flag("already_billed", f"{order.get('po_number')} has been billed in full, by another invoice.")


def _goods_here(facts: Facts, order: Row) -> Verdict | None:
    received = order.get("goods_received")
    if received == "full":
        return None
    how = "Only a part of the goods" if received == "partial" else "None of the goods"
    return flag("goods_not_received", f"{how} of {order.get('po_number')} has been received.")


def _decimal(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
