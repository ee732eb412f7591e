"""What the sign-in page shows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.providers import Door, door
from signoff.people.queries import is_anyone_here
from signoff.people.sign_in_rules import sentence_of
from signoff.web.ways_in import Button, buttons_for


@dataclass(frozen=True, slots=True)
class SignInView:
    """The form, as it was filled in, and the ways in beside it.

    Args:
        is_empty_house: nobody has an account here yet.
        why: which rule of the workspace was not met.
        left: the provider whose session was just ended here, and may be ended there.
    """

    email: str
    target: str
    is_empty_house: bool
    problem: str = ""
    advice: str = ""
    why: str = ""
    buttons: tuple[Button, ...] = ()
    left: Door | None = None


def load(
    session: Session,
    *,
    email: str = "",
    target: str = "",
    problem: str = "",
    advice: str = "",
    why: str = "",
    left: str = "",
) -> SignInView:
    """Return the view; it says nothing about who has an account. `why` is the code of a rule that was not met."""
    return SignInView(
        email=email[:200],
        target=target,
        is_empty_house=not is_anyone_here(session),
        problem=problem,
        advice=advice,
        why=sentence_of(why),
        buttons=buttons_for(session, target),
        left=door(session, left[:64]) if left else None,
    )
