"""How much may be given to a run that asks for money."""

from __future__ import annotations

from decimal import Decimal

from signoff.kit.errors import Malformed
from signoff.kit.money import as_text
from signoff.tables.approvals import Approval


def amount_of(row: Approval, amount_usd: Decimal | None) -> Decimal:
    """Return the dollars an approval gives: as many as said, or as were asked for.

    Raises:
        Malformed: it is nothing, or more than the other limits leave.
    """
    amount = Decimal(row.args["amount_usd"]) if amount_usd is None else amount_usd
    most = Decimal(row.args["most_usd"])
    if not amount.is_finite() or amount <= 0:
        sentence = "The amount must be more than nothing."
        raise Malformed(sentence, errors={"amount_usd": [sentence]})
    if amount > most:
        sentence = f"At most ${as_text(most)} can be given: that is what the other limits leave. Raise those first."
        raise Malformed(sentence, errors={"amount_usd": [sentence]})
    return amount
