"""What the page about being told shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.approvals.absences import AbsenceFacts, absences_of
from signoff.approvals.channels import ChannelFacts, channels_of
from signoff.approvals.chats import ChatFacts, chats_of
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal, can
from signoff.people.own import person_of
from signoff.people.queries import members
from signoff.web.channel_words import CHANNEL_KINDS, KIND_WORDS, PACES
from signoff.web.refused import NOT_REFUSED, Refused

KINDS = (("mail", "Mail, to the address of my account"), *CHANNEL_KINDS)


@dataclass(frozen=True, slots=True)
class NoticesView:
    """The page.

    Args:
        people: who may stand in, each with what a choice shows.
        code: one that was just made, and for which chat; shown once.
    """

    absences: Sequence[AbsenceFacts]
    people: Sequence[tuple[str, str]]
    channels: Sequence[ChannelFacts]
    chats: Sequence[ChatFacts]
    zone: str
    has_mail: bool
    refused: Refused
    code: tuple[str, str] = ("", "")
    kinds: Sequence[tuple[str, str]] = KINDS
    paces: Sequence[tuple[str, str]] = PACES

    def kind_word(self, kind: str) -> str:
        """Return how a kind of channel is called."""
        return KIND_WORDS.get(kind, kind)

    def pace_word(self, pace: str) -> str:
        """Return how a pace is called."""
        return dict(PACES).get(pace, pace)


def load(
    session: Session,
    viewer: Principal,
    *,
    has_mail: bool,
    refused: Refused = NOT_REFUSED,
    code: tuple[str, str] = ("", ""),
) -> NoticesView:
    """Return the view."""
    return NoticesView(
        absences=absences_of(session, viewer),
        people=(("", "Choose somebody"), *_people(session, viewer)),
        channels=channels_of(session, viewer),
        chats=chats_of(session, viewer),
        zone=person_of(session, viewer).time_zone or "UTC",
        has_mail=has_mail,
        refused=refused,
        code=code,
    )


def _people(session: Session, viewer: Principal) -> list[tuple[str, str]]:
    """Return the members to choose from, by name, without the viewer."""
    if not can(viewer, "member.read"):
        return []
    everyone = members(session, viewer, size=PAGE_SIZE_MAX).rows
    found = [(one.id, one.name) for one in everyone if one.id != viewer.id]
    return sorted(found, key=lambda pair: pair[1].casefold())
