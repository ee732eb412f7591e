"""What the page of the second factor shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.access import Principal
from signoff.people.facts import PersonFacts, SecondFactorFacts
from signoff.people.own import person_of, second_factor_of
from signoff.people.second_factors import uri_of
from signoff.people.sign_in_rules import must_set_one_up
from signoff.web.pictures import qr_picture
from signoff.web.refused import NOT_REFUSED, Refused


@dataclass(frozen=True, slots=True)
class FactorView:
    """The page. With `picture` and `key`, an app is being set up; `codes` are shown this once, and beside them how many
    browsers were signed out."""

    person: PersonFacts
    factor: SecondFactorFacts
    is_required: bool
    picture: str
    key: str
    codes: tuple[str, ...]
    ended: int
    refused: Refused


def load(
    session: Session,
    viewer: Principal,
    *,
    secret: str = "",
    codes: Sequence[str] = (),
    ended: int = 0,
    refused: Refused = NOT_REFUSED,
) -> FactorView:
    """Return the view. `secret` is that of an app which waits for its first code."""
    person = person_of(session, viewer)
    return FactorView(
        person=person,
        factor=second_factor_of(session, viewer),
        is_required=must_set_one_up(session, person.id),
        picture=qr_picture(uri_of(secret, email=person.email)) if secret else "",
        key=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        codes=tuple(codes),
        ended=ended,
        refused=refused,
    )
