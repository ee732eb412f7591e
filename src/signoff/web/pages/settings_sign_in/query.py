"""What the page of sign-in rules shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.access import Principal, authorize, can
from signoff.people.own import FactorCount, second_factor_count
from signoff.people.queries import workspace
from signoff.people.sign_in_rules import other_ways
from signoff.settings import Settings


@dataclass(frozen=True, slots=True)
class SignInRulesView:
    """The rules as they are, or as they were in a form that was refused."""

    is_second_factor_required: bool
    is_password_allowed: bool
    other_ways: tuple[str, ...]
    members: FactorCount
    may_manage: bool
    sends_mail: bool
    idle_hours: float
    absolute_days: float
    problem: str
    errors: Mapping[str, Sequence[str]]


def load(
    session: Session,
    viewer: Principal,
    settings: Settings,
    *,
    chosen: tuple[bool, bool] | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> SignInRulesView:
    """Return the view. `chosen`: second factor required, password allowed, as in a form that was refused.

    Raises:
        NotAllowed: the viewer does not see who is here.
    """
    authorize(viewer, "member.read")
    here = workspace(session, viewer)
    is_required, is_allowed = chosen or (here.is_second_factor_required, here.is_password_allowed)
    return SignInRulesView(
        is_second_factor_required=is_required,
        is_password_allowed=is_allowed,
        other_ways=tuple(other_ways(session, viewer.workspace_id)),
        members=second_factor_count(session, viewer),
        may_manage=can(viewer, "workspace.manage"),
        sends_mail=settings.smtp_url is not None,
        idle_hours=round(settings.session_idle_seconds / 3600, 1),
        absolute_days=round(settings.session_absolute_seconds / 86_400, 1),
        problem=problem,
        errors=errors or {},
    )
