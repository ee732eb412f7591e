"""What the page of an agent's owners shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.agents.handovers import open_handover
from signoff.agents.hours import DAYS, hours_text
from signoff.agents.ownership import OwnerFacts, ownership_of
from signoff.approvals.channels import ChannelFacts, channels_of
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal, can
from signoff.people.queries import members, workspace
from signoff.people.seats import SEATS
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.channel_words import CHANNEL_KINDS, KIND_WORDS, PACES
from signoff.web.forms import Form
from signoff.web.permission_words import role_name
from signoff.web.seat_words import DAY_TITLES, SEAT_TITLES


@dataclass(frozen=True, slots=True)
class OwnerLine:
    """One person on one seat. `hours`: a line for each day they work."""

    facts: OwnerFacts
    role: str
    hours: tuple[str, ...]
    is_me: bool


@dataclass(frozen=True, slots=True)
class SeatLines:
    """One way to answer for the agent, and who does."""

    kind: str
    title: str
    about: str
    lines: tuple[OwnerLine, ...]


@dataclass(frozen=True, slots=True)
class OwnersView:
    """The page. `people`: whom to ask; empty when the viewer may not ask. `handover`: the open one's address."""

    head: AgentHead
    gaps: tuple[str, ...]
    seats: tuple[SeatLines, ...]
    waiting: tuple[OwnerLine, ...]
    people: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str, str], ...]
    days: tuple[tuple[str, str], ...]
    may_assign: bool
    channels: tuple[tuple[str, str, str], ...]
    paces: tuple[tuple[str, str], ...]
    zone: str
    channel_kinds: tuple[tuple[str, str], ...]
    handover_words: str
    form: Form
    problem: str
    errors: Mapping[str, Sequence[str]]

    @property
    def people_choices(self) -> tuple[tuple[str, str], ...]:
        """Return whom to choose from; nobody is chosen for the reader."""
        return (("", "Choose somebody"), *self.people)

    @property
    def has_hours(self) -> bool:
        """Return whether the form says hours already, so that they are open to see."""
        return any(self.form.text(day) for day in DAYS) or any(self.errors.get(day) for day in DAYS)


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> OwnersView:
    """Return the view; `form` and `errors` are those of something that was refused.

    Raises:
        NotFound: this workspace has no agent of that slug.
    """
    head = agent_head(session, viewer, slug, "owners")
    found = ownership_of(session, viewer, head.agent.id)
    lines = [_line(one, viewer) for one in found.owners]
    moving = open_handover(session, viewer, head.agent.id)
    return OwnersView(
        head=head,
        gaps=found.gaps,
        seats=tuple(_seat(kind, lines) for kind in SEATS),
        waiting=tuple(line for line in lines if line.is_me and line.facts.state == "asked"),
        people=_people(session, viewer) if head.may_assign else (),
        kinds=tuple((kind, *SEAT_TITLES[kind]) for kind in SEATS),
        days=tuple(DAY_TITLES.items()),
        may_assign=head.may_assign,
        channels=_channels(session, viewer, head.agent.id) if head.may_assign else (),
        paces=PACES,
        zone=workspace(session, viewer).time_zone,
        channel_kinds=(*CHANNEL_KINDS, ("mail", "Mail, to the address below")),
        handover_words=f"From {moving.from_name} to {moving.to_name}" if moving else "",
        form=form or Form(),
        problem=problem,
        errors=errors or {},
    )


def _people(session: Session, viewer: Principal) -> tuple[tuple[str, str], ...]:
    """Return the members to choose from, by name."""
    if not can(viewer, "member.read"):
        return ()
    everyone = members(session, viewer, size=PAGE_SIZE_MAX).rows
    return tuple(sorted(((one.id, one.name) for one in everyone), key=lambda pair: pair[1].casefold()))


def _channels(session: Session, viewer: Principal, agent_id: str) -> tuple[tuple[str, str, str], ...]:
    """Return id, name, and kind, pace and quiet hours of each channel of the agent; its address is told to nobody."""
    return tuple((one.id, one.name, _channel_words(one)) for one in channels_of(session, viewer, agent=agent_id))


def _channel_words(channel: ChannelFacts) -> str:
    quiet = f" · quiet {' to '.join(channel.quiet)} ({channel.time_zone})" if channel.quiet else ""
    pace = dict(PACES).get(channel.pace, channel.pace)
    return f"{KIND_WORDS[channel.kind]} · {pace[:1].lower()}{pace[1:]}{quiet}"


def _line(facts: OwnerFacts, viewer: Principal) -> OwnerLine:
    hours = tuple(f"{DAY_TITLES[day][:3]} {hours_text(facts.hours[day])}" for day in DAYS if day in facts.hours)
    return OwnerLine(facts, role_name(facts.role), hours, facts.member_id == viewer.id)


def _seat(kind: str, lines: Sequence[OwnerLine]) -> SeatLines:
    title, about = next(words for known, words in SEAT_TITLES.items() if known == kind)
    return SeatLines(kind, title, about, tuple(line for line in lines if line.facts.kind == kind))
