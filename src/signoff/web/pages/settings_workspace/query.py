"""What the page of the workspace shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

from sqlalchemy.orm import Session

from signoff.approvals.chats import CHAT_KINDS, ChatKind, chats_of
from signoff.people.access import Principal, can
from signoff.people.actions.instance import may_administer_instance
from signoff.people.facts import WorkspaceFacts
from signoff.people.queries import environments, workspace
from signoff.web.channel_words import KIND_WORDS
from signoff.web.refused import NOT_REFUSED, Refused


@dataclass(frozen=True, slots=True)
class ChatLine:
    """A chat from where requests may be answered.

    Args:
        since: since when it is connected; None: it is not.
        secret: what the other side calls what it signs with, and where it shows it.
        hears: the path under which it reaches us.
    """

    kind: str
    name: str
    since: datetime | None
    secret: str
    where: str
    hears: str


@dataclass(frozen=True, slots=True)
class WorkspaceView:
    """The page."""

    workspace: WorkspaceFacts
    environments: int
    may_manage: bool
    is_instance_administrator: bool
    chats: Sequence[ChatLine]
    refused: Refused

    @property
    def zones(self) -> tuple[tuple[str, str], ...]:
        """Return the time zones there are, as a select takes them."""
        return _zones()


_SECRETS: dict[ChatKind, tuple[str, str]] = {
    "slack": ("Signing secret", "In the settings of the Slack app, under Basic Information."),
    "teams": ("Security token", "Teams shows it once, when the outgoing webhook is made."),
}


@cache
def _zones() -> tuple[tuple[str, str], ...]:
    return tuple((zone, zone.replace("_", " ")) for zone in sorted(available_timezones()) if zone != "localtime")


def load(session: Session, viewer: Principal, refused: Refused = NOT_REFUSED) -> WorkspaceView:
    """Return the view."""
    return WorkspaceView(
        workspace=workspace(session, viewer),
        environments=len(environments(session, viewer)),
        may_manage=can(viewer, "workspace.manage"),
        is_instance_administrator=may_administer_instance(session, viewer),
        chats=_chats(session, viewer),
        refused=refused,
    )


def _chats(session: Session, viewer: Principal) -> list[ChatLine]:
    """Return every chat there is, connected or not."""
    known = {one.kind: one.made_at for one in chats_of(session, viewer)}
    slug = workspace(session, viewer).slug
    return [
        ChatLine(kind, KIND_WORDS[kind], known.get(kind), *_SECRETS[kind], f"/v1/chats/{slug}/{kind}")
        for kind in CHAT_KINDS
    ]
