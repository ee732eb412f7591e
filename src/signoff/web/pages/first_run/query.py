"""What the page behind a one-time link shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from signoff.people import passwords
from signoff.people.links import LinkHolder, holder_of_link


@dataclass(frozen=True, slots=True)
class FirstRunView:
    """`holder` None: the link cannot be used (any more)."""

    token: str
    holder: LinkHolder | None
    name: str = ""
    is_reset: bool = False
    is_not_me: bool = False
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    shortest: int = passwords.CHARS_MIN


def load(
    session: Session,
    token: str,
    *,
    name: str | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> FirstRunView:
    """Return the view. Looking at a link does not use it up. `name` is the one typed into a form that was refused."""
    holder = holder_of_link(session, token)
    known = holder.name if holder else ""
    is_reset = holder is not None and holder.purpose in ("reset", "forgotten", "not_me")
    is_not_me = holder is not None and holder.purpose == "not_me"
    return FirstRunView(token, holder, known if name is None else name, is_reset, is_not_me, problem, errors or {})
