"""The money of a shadow: a pot of its own for each day of UTC."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.budgets.queries import spent
from signoff.budgets.states import Pot, shadow_pot
from signoff.kit import clock
from signoff.releases.shadow.settings import shadow_settings

# How a run says that this pot was empty.
SPENT = "shadow_budget_exceeded"


def pot_of_shadow(session: Session, release_id: str | None) -> Pot:
    """Return today's pot of a release. For rooms and gateways."""
    return shadow_pot(release_id or "", shadow_settings(session, release_id).daily_usd, now=clock.now())


def empty_pot(session: Session, release_id: str) -> str | None:
    """Return in words that today's money is spent; None while some is left."""
    pot = pot_of_shadow(session, release_id)
    cap, used = pot.cap_usd, spent(session, pot.name)
    if cap is None or used.spent_usd < cap:
        return None
    return f"{pot.words} is ${cap.normalize():f}, and it is spent. {pot.remedy}"
