"""What the sign-in page shows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.queries import is_anyone_here


@dataclass(frozen=True, slots=True)
class SignInView:
    """The form, as it was filled in. `is_empty_house`: nobody has an account here yet."""

    email: str
    target: str
    is_empty_house: bool
    problem: str = ""
    advice: str = ""


def load(session: Session, *, email: str = "", target: str = "", problem: str = "", advice: str = "") -> SignInView:
    """Return the view. It says nothing about who has an account."""
    return SignInView(email[:200], target, not is_anyone_here(session), problem, advice)


def safe_target(address: str) -> str:
    """Return where to go after signing in: an address of this site, or nothing."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    is_loop = address.split("?", 1)[0] in ("/sign-in", "/sign-out")
    return address if is_ours and not is_loop and len(address) <= 2_000 and "\\" not in address else ""
