"""What the page of a hand-over shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from signoff.agents.handovers import HandoverFacts, HandoverProgress, handover_progress, handovers_page
from signoff.agents.ownership import ownership_of
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal, can
from signoff.people.queries import members
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.dates import as_field
from signoff.web.forms import Form
from signoff.web.seat_words import SEAT_TITLES

_PAST = 10


@dataclass(frozen=True, slots=True)
class HandoverView:
    """The page. `now`: the open one, or None; then `holders` are those who can hand over, and `people` to whom."""

    head: AgentHead
    now: HandoverProgress | None
    past: tuple[tuple[HandoverFacts, str], ...]
    seats: str
    holders: tuple[tuple[str, str], ...]
    people: tuple[tuple[str, str], ...]
    is_mine: bool
    session_at: str
    notes: str
    form: Form
    problem: str
    errors: Mapping[str, Sequence[str]]

    @property
    def people_choices(self) -> tuple[tuple[str, str], ...]:
        """Return to whom to hand over; nobody is chosen for the reader."""
        return (("", "Choose somebody"), *self.people)

    @property
    def has_accepted(self) -> bool:
        """Return whether the new owner said yes."""
        return self.now is not None and self.now.accepted == "accepted"


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    zone: ZoneInfo,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> HandoverView:
    """Return the view; `form` and `errors` are those of something that was refused.

    Raises:
        NotFound: this workspace has no agent of that slug.
    """
    head = agent_head(session, viewer, slug, "owners")
    now = handover_progress(session, viewer, head.agent.id)
    past = [one for one in handovers_page(session, viewer, head.agent.id, size=_PAST).rows if one.state != "open"]
    typed = form or Form()
    return HandoverView(
        head=head,
        now=now,
        past=tuple((one, _seats(one)) for one in past),
        seats=_seats(now.handover) if now else "",
        holders=_holders(session, viewer, head) if head.may_assign else (),
        people=_people(session, viewer) if head.may_assign else (),
        is_mine=now is not None and now.handover.to_member_id == viewer.id,
        session_at=typed.text("session_at", as_field(now.handover.session_at, zone) if now else ""),
        notes=typed.text("notes", now.handover.notes if now else ""),
        form=typed,
        problem=problem,
        errors=errors or {},
    )


def _seats(facts: HandoverFacts) -> str:
    return ", ".join(SEAT_TITLES[kind][0].lower() for kind in facts.seats)


def _holders(session: Session, viewer: Principal, head: AgentHead) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for one in ownership_of(session, viewer, head.agent.id).owners:
        if one.state != "declined":
            known = found.get(one.member_id)
            title = SEAT_TITLES[one.kind][0].lower()
            found[one.member_id] = f"{known}, {title}" if known else f"{one.name}: {title}"
    return tuple(found.items())


def _people(session: Session, viewer: Principal) -> tuple[tuple[str, str], ...]:
    if not can(viewer, "member.read"):
        return ()
    everyone = members(session, viewer, size=PAGE_SIZE_MAX).rows
    return tuple(sorted(((one.id, one.name) for one in everyone), key=lambda pair: pair[1].casefold()))
