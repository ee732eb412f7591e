"""How a sample message is put together: the same bytes on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from signoff.demo.erp.seed import PURCHASE_ORDERS, Delivery, OrderSeed

OUR_ADDRESS = "Accounts Payable <invoices@northwind-retail.example>"
_FIRST = datetime(2026, 11, 9, 8, 12, tzinfo=timezone(timedelta(hours=1)))


@dataclass(frozen=True, slots=True)
class Letter:
    """One message and the file it is written to."""

    name: str
    raw: bytes


def open_order(domain: str, nth: int = 0) -> OrderSeed:
    """Return the n-th order of this vendor that is fully delivered and not billed."""
    return [
        order
        for order in PURCHASE_ORDERS
        if order.vendor.domain == domain and order.delivery == "full" and not order.is_billed
    ][nth]


def order_delivered(delivery: Delivery) -> OrderSeed:
    """Return the first open order with this much delivered."""
    return next(order for order in PURCHASE_ORDERS if order.delivery == delivery and not order.is_billed)


def amount(cents: int, style: str = "en") -> str:
    """Return hundredths as people write them: "1,234.50" (en), "1.234,50" (de), "1 234,50" (fr), "1'234.50" (ch)."""
    text = f"{cents / 100:,.2f}"
    swaps = {"en": ",.", "de": ".,", "fr": "\u00a0,", "ch": "'."}[style]
    return "".join({",": swaps[0], ".": swaps[1]}.get(ch, ch) for ch in text)


def message(
    number: int, sender: str, subject: str | None, text: str | None = None, **text_options: Any
) -> EmailMessage:
    """Return a message to us. `number` sets its place in time and its Message-ID."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = OUR_ADDRESS
    if subject is not None:
        mail["Subject"] = subject
    mail["Date"] = format_datetime(_FIRST + timedelta(hours=number * 3, minutes=number * 7 % 60))
    domain = sender.rpartition("@")[2].rstrip(">")
    mail["Message-ID"] = f"<{20261100 + number}.{number * 7919 % 100000}@{domain}>"
    if text is not None:
        mail.set_content(text, **text_options)
    return mail


def letter(name: str, mail: EmailMessage) -> Letter:
    """Return the message as bytes, with boundaries that do not change from one day to the next."""
    _fix_boundaries(mail, name, [0])
    return Letter(f"{name}.eml", mail.as_bytes())


def _fix_boundaries(part: EmailMessage, name: str, count: list[int]) -> None:
    if part.get_content_maintype() == "multipart":
        part.set_boundary(f"=_{name}_{count[0]}")
        count[0] += 1
    for inner in part.iter_parts() if part.is_multipart() else ():
        if isinstance(inner, EmailMessage):
            _fix_boundaries(inner, name, count)
