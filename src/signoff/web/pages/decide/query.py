"""What the page behind a link to decide shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from signoff.approvals.links import DecideLinkNotGood, Held, held_by
from signoff.kit.errors import NotAllowed, NotFound


@dataclass(frozen=True, slots=True)
class DecideView:
    """The page. `held` None: the link shows nothing (any more). `why_not`: why nothing can be answered by it."""

    token: str
    held: Held | None
    why_not: str = ""
    reason: str = ""
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def arguments(self) -> Sequence[Mapping[str, Any]]:
        """Return what the call would be made with, as the request shows it."""
        return self.held.detail.card.get("arguments", ()) if self.held else ()

    @property
    def reason_codes(self) -> Sequence[tuple[str, str]]:
        """Return the reasons the gate knows, for a choice."""
        codes: list[str] = self.held.detail.rule.get("reason_codes", []) if self.held else []
        return [("", "None of these"), *((code, code) for code in codes)] if codes else ()

    @property
    def wants_reason(self) -> bool:
        """Return whether a denial says why."""
        return self.held is not None and self.held.detail.rule.get("denial_reason") == "required"

    @property
    def inbox(self) -> str:
        """Return the address of the whole request, for whoever signs in."""
        return f"/w/{self.held.workspace_slug}/inbox/{self.held.detail.row.id}" if self.held else "/"


def load(
    session: Session,
    token: str,
    *,
    reason: str = "",
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> DecideView:
    """Return the view. Looking changes nothing."""
    try:
        held = held_by(session, token)
    except (DecideLinkNotGood, NotFound, NotAllowed):
        return DecideView(token, None)
    why_not = held.detail.why_not
    if not why_not and held.is_used:
        why_not = "This link was used."
    return DecideView(token, held, why_not, reason, problem, errors or {})
