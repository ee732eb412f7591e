"""The chats of a workspace: the secret each signs with, and which member somebody there is."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.connections.envelope import open_value
from signoff.connections.vault import Place, Vault
from signoff.kit import clock
from signoff.kit.sealing import Sealed
from signoff.people import tokens
from signoff.people.access import Principal, authorize
from signoff.people.membership import principal_of_member
from signoff.tables.notices import ChatAccount, ChatApp, ChatCode
from signoff.tables.people import Member, Person, Workspace

ChatKind = Literal["slack", "teams"]
CHAT_KINDS: tuple[ChatKind, ...] = get_args(ChatKind)


@dataclass(frozen=True, slots=True)
class ChatFacts:
    """A chat that may answer here, without its secret; and whether the viewer has an account there."""

    kind: str
    made_at: datetime
    is_linked: bool


def chats_of(session: Session, viewer: Principal) -> list[ChatFacts]:
    """Return the chats of the viewer's workspace."""
    authorize(viewer, "workspace.read")
    apps = session.scalars(select(ChatApp).where(ChatApp.workspace_id == viewer.workspace_id).order_by(ChatApp.kind))
    mine = select(ChatAccount.kind).where(
        ChatAccount.workspace_id == viewer.workspace_id, ChatAccount.member_id == (viewer.member_id or "")
    )
    linked = set(session.scalars(mine))
    return [ChatFacts(app.kind, app.made_at, app.kind in linked) for app in apps]


def secret_of(session: Session, vault: Vault, workspace_slug: str, kind: ChatKind) -> tuple[str, str] | None:
    """Return the workspace's id and the secret this chat signs with; None when it is not connected."""
    app = session.scalar(
        select(ChatApp)
        .join(Workspace, Workspace.id == ChatApp.workspace_id)
        .where(Workspace.slug == workspace_slug, Workspace.suspended_at.is_(None), ChatApp.kind == kind)
    )
    if app is None:
        return None
    return app.workspace_id, open_value(session, vault, Sealed(app.ciphertext, app.nonce, app.key_id), place_of(app))


def place_of(app: ChatApp) -> Place:
    """Return where the sealed secret of a chat belongs."""
    return Place(app.workspace_id, f"chat:{app.kind}", 1)


def member_in(session: Session, workspace_id: str, kind: ChatKind, account: str) -> Principal | None:
    """Return the member that somebody in a chat is; None when they are nobody here."""
    found = session.execute(
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .join(ChatAccount, ChatAccount.member_id == Member.id)
        .where(
            ChatAccount.workspace_id == workspace_id, ChatAccount.kind == kind, ChatAccount.account == account,
            Member.state == "active",
        )
    ).first()  # fmt: skip
    return principal_of_member(session, found[0], found[1]) if found else None


def member_with_code(session: Session, workspace_id: str, kind: ChatKind, code: str) -> Principal | None:
    """Return the member to whom a code was given, while it is good."""
    digest = tokens.hash_of(code)
    rows = session.execute(
        select(ChatCode, Member, Person)
        .join(Member, Member.id == ChatCode.member_id)
        .join(Person, Person.id == Member.person_id)
        .where(
            ChatCode.workspace_id == workspace_id, ChatCode.kind == kind, ChatCode.code_hash == digest,
            ChatCode.expires_at > clock.now(), Member.state == "active",
        )
    ).all()  # fmt: skip
    found = next((row for row in rows if hmac.compare_digest(row[0].code_hash, digest)), None)
    return principal_of_member(session, found[1], found[2]) if found else None
