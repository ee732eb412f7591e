"""The facts of one message: what it is, which papers it names, how much it asks for. What is not there stays None."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from signoff.demo.reading import money, references
from signoff.demo.reading.classify import Class, classify, instructions_in
from signoff.demo.reading.mail import Mail


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read. `amounts` has more than one value when the message contradicts itself."""

    mail: Mail
    text: str
    what: Class
    orders: tuple[str, ...]
    invoices: tuple[str, ...]
    amounts: tuple[Decimal, ...]
    currency: str | None
    instruction: str | None

    @property
    def order(self) -> str | None:
        """Return the one order named, or None when there is none or there are several."""
        return self.orders[0] if len(self.orders) == 1 else None

    @property
    def invoice(self) -> str | None:
        """Return the one invoice number, or None."""
        return self.invoices[0] if len(self.invoices) == 1 else None

    @property
    def amount(self) -> Decimal | None:
        """Return the one total, or None."""
        return self.amounts[0] if len(self.amounts) == 1 else None


def facts_of(mail: Mail, attachments: list[str]) -> Facts:
    """Return the facts of `mail`; `attachments` are the texts of those that were read."""
    text = "\n\n".join([mail.text, *attachments])
    whole = f"{mail.subject}\n{text}"
    plain, loose = references.invoices(whole)
    strong, weak = money.totals(text)
    sums = strong or weak
    named = {found.currency for found in sums if found.currency} or money.currencies(text)
    return Facts(
        mail=mail,
        text=text,
        what=classify(mail, text),
        orders=tuple(references.orders(whole)),
        invoices=tuple(plain or loose),
        amounts=tuple(dict.fromkeys(found.amount for found in sums)),
        currency=named.pop() if len(named) == 1 else None,
        instruction=instructions_in(whole),
    )
