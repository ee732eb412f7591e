"""The prices people entered, for whoever looks them over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.people.access import Principal, authorize
from signoff.tables.limits import PriceOverride
from signoff.tables.people import Member, Person

PRICES_MAX = 500


@dataclass(frozen=True, slots=True)
class EnteredPrice:
    """The price of a model in this workspace, in dollars per million tokens. `changed_by_name` None: a key did it."""

    model: str
    input_usd: Decimal
    output_usd: Decimal
    changed_by_name: str | None
    changed_at: datetime


def entered_prices(session: Session, viewer: Principal) -> list[EnteredPrice]:
    """Return the prices entered in the viewer's workspace, by model, at most 500.

    Raises:
        NotAllowed: the viewer may not see budgets.
    """
    authorize(viewer, "budget.read")
    rows = session.execute(
        select(PriceOverride, Person.name)
        .outerjoin(Member, Member.id == PriceOverride.changed_by)
        .outerjoin(Person, Person.id == Member.person_id)
        .where(PriceOverride.workspace_id == viewer.workspace_id)
        .order_by(PriceOverride.model)
        .limit(PRICES_MAX)
    )
    return [EnteredPrice(row.model, row.input_usd, row.output_usd, name, row.changed_at) for row, name in rows]
