"""How much may be given to a run that asks for money."""

from __future__ import annotations

from decimal import Decimal

from signoff.kit.errors import Malformed
from signoff.kit.money import CENT, dollars
from signoff.tables.approvals import Approval


def amount_of(row: Approval, amount_usd: Decimal | None) -> Decimal:
    """Return the dollars an approval gives: as many as said, or as were asked for.

    Raises:
        Malformed: it is nothing, or more than the other limits leave.
    """
    amount = Decimal(row.args["amount_usd"]) if amount_usd is None else amount_usd
    most = Decimal(row.args["most_usd"])
    # What is left of other limits may be less than a cent: then all of it can be given.
    least = min(CENT, most)
    if not amount.is_finite() or amount <= 0 or amount < least:
        sentence = f"The least that can be given is {dollars(least or CENT)}."
        raise Malformed(sentence, errors={"amount_usd": [sentence]})
    if amount > most:
        sentence = f"At most {dollars(most)} can be given: that is what the other limits leave. Raise those first."
        raise Malformed(sentence, errors={"amount_usd": [sentence]})
    return amount
