"""What the sign-in page shows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.queries import is_anyone_here
from signoff.people.sign_in_rules import sentence_of
from signoff.web.ways_in import Button, buttons_for


@dataclass(frozen=True, slots=True)
class SignInView:
    """The form, as it was filled in. `is_empty_house`: nobody has an account here yet. `why`: what was missing."""

    email: str
    target: str
    is_empty_house: bool
    problem: str = ""
    advice: str = ""
    why: str = ""
    buttons: tuple[Button, ...] = ()


def load(
    session: Session, *, email: str = "", target: str = "", problem: str = "", advice: str = "", why: str = ""
) -> SignInView:
    """Return the view; it says nothing about who has an account. `why` is the code of a rule that was not met."""
    buttons = buttons_for(session, target)
    return SignInView(email[:200], target, not is_anyone_here(session), problem, advice, sentence_of(why), buttons)
