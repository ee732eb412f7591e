"""What the second step shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from signoff.people.facts import PendingFacts
from signoff.people.second_factors import uri_of
from signoff.web.pictures import qr_picture


@dataclass(frozen=True, slots=True)
class StepView:
    """The form for a code; with `picture` and `key`, the app is set up first."""

    email: str
    target: str
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    picture: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class CodesView:
    """Fresh recovery codes, where to go on to, and how many other browsers were signed out."""

    codes: list[str]
    target: str
    ended: int = 0


def load(
    facts: PendingFacts,
    *,
    target: str,
    secret: str = "",
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> StepView:
    """Return the view. `secret` is that of an app which is being set up."""
    picture = qr_picture(uri_of(secret, email=facts.email)) if secret else ""
    return StepView(facts.email, target, problem, errors or {}, picture, in_groups(secret))


def in_groups(secret: str) -> str:
    """Return a key in groups of four, as people type it."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
