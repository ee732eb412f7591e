"""Connecting a chat, showing that an account there is one's own, and answering from it."""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import timedelta
from typing import NoReturn

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from signoff.approvals.actions.decide import decide
from signoff.approvals.chat_words import Spoken
from signoff.approvals.chats import CHAT_KINDS, ChatKind, member_in, member_with_code, place_of
from signoff.connections.envelope import seal_value
from signoff.connections.vault import Vault
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people import tokens
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.tables.notices import ChatAccount, ChatApp, ChatCode

CODE_SECONDS = 600
_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_CODE_CHARS = 10
_USAGE = "Say: approve ID, or deny ID and why. The ID stands in the request. To connect yourself: link CODE."
_UNKNOWN = (
    "This account is not connected to a member. Get a code on your profile in Signoff, and send it here: link CODE."
)


def connect_chat(session: Session, principal: Principal, vault: Vault, kind: str, *, secret: str) -> None:
    """Let a chat answer requests of this workspace: keep the secret with which it signs, in place of an older one.

    Raises:
        NotAllowed: the caller does not manage the workspace.
        Malformed: there is no such chat, or the secret is none.
    """
    authorize(principal, "workspace.manage")
    wanted = checked_chat(kind)
    given = secret.strip()
    if wanted == "teams" and not _is_base64(given):
        _wrong("secret", "Enter the security token that Teams showed: it is base64.")
    if not 16 <= len(given) <= 200 or not given.isascii():
        _wrong("secret", "Enter the signing secret of the app.")
    session.execute(delete(ChatApp).where(ChatApp.workspace_id == principal.workspace_id, ChatApp.kind == wanted))
    row = ChatApp(workspace_id=principal.workspace_id, kind=wanted, made_by=principal.id, made_at=clock.now())
    sealed = seal_value(session, vault, given, place_of(row))
    row.ciphertext, row.nonce, row.key_id = sealed.ciphertext, sealed.nonce, sealed.key_id
    session.add(row)
    session.flush()
    audit.note(session, principal, "chat.connected", "workspace", principal.workspace_id, {"chat": wanted})


def disconnect_chat(session: Session, principal: Principal, kind: str) -> None:
    """Let a chat answer nothing any more. The members' accounts there stay known.

    Raises:
        NotFound: it is not connected.
    """
    authorize(principal, "workspace.manage")
    wanted = checked_chat(kind)
    row = session.get(ChatApp, (principal.workspace_id, wanted))
    if row is None:
        raise NotFound("This chat is not connected.")
    session.execute(delete(ChatApp).where(ChatApp.workspace_id == principal.workspace_id, ChatApp.kind == wanted))
    audit.note(session, principal, "chat.disconnected", "workspace", principal.workspace_id, {"chat": wanted})


def make_code(session: Session, principal: Principal, kind: str) -> str:
    """Return a code that the caller sends from their account in a chat, within ten minutes; an older one ends."""
    wanted, member_id = checked_chat(kind), _oneself(principal)
    mine = (
        ChatCode.workspace_id == principal.workspace_id, ChatCode.kind == wanted, ChatCode.member_id == member_id,
    )  # fmt: skip
    session.execute(delete(ChatCode).where(*mine))
    code = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_CHARS))
    session.add(
        ChatCode(
            workspace_id=principal.workspace_id, kind=wanted, member_id=member_id, code_hash=tokens.hash_of(code),
            expires_at=clock.now() + timedelta(seconds=CODE_SECONDS),
        )
    )  # fmt: skip
    session.flush()
    audit.note(session, principal, "chat.code_made", "member", member_id, {"chat": wanted})
    return code


def unlink_account(session: Session, principal: Principal, kind: str) -> None:
    """Let the caller's account in a chat answer nothing any more.

    Raises:
        NotFound: they have none there.
    """
    wanted, member_id = checked_chat(kind), _oneself(principal)
    mine = (
        ChatAccount.workspace_id == principal.workspace_id, ChatAccount.kind == wanted,
        ChatAccount.member_id == member_id,
    )  # fmt: skip
    if session.scalar(select(ChatAccount.account).where(*mine)) is None:
        raise NotFound("You have no account there.")
    session.execute(delete(ChatAccount).where(*mine))
    audit.note(session, principal, "chat.account_removed", "member", member_id, {"chat": wanted})


def act_on(session: Session, workspace_id: str, kind: ChatKind, spoken: Spoken) -> str:
    """Do what somebody said in a chat that signed it; return what they are told.

    Raises:
        Refusal: as `decide`; or somebody else is that member, or that account, already.
    """
    if spoken.verb == "link":
        return _link(session, workspace_id, kind, spoken)
    if not spoken.verb:
        return _USAGE
    they = member_in(session, workspace_id, kind, spoken.account)
    if they is None:
        raise NotAllowed(_UNKNOWN, code="chat_account_unknown")
    decided = decide(
        session, they, spoken.about, verdict="approve" if spoken.verb == "approve" else "deny",
        reason=spoken.reason or None, via=kind,
    )  # fmt: skip
    if decided.state == "pending":
        return f"Your answer is kept: {decided.votes} of {decided.quorum} approved so far."
    return f"You have {decided.state} it, as {they.name}."


def checked_chat(kind: str) -> ChatKind:
    """Return the chat.

    Raises:
        Malformed: there is none of this name.
    """
    found: ChatKind | None = next((one for one in CHAT_KINDS if one == kind), None)
    if found is None:
        _wrong("kind", f"It is one of: {', '.join(CHAT_KINDS)}.")
    return found


def _link(session: Session, workspace_id: str, kind: ChatKind, spoken: Spoken) -> str:
    they = member_with_code(session, workspace_id, kind, spoken.about.upper())
    if they is None:
        raise NotAllowed("This code is not good, or its ten minutes are over. Get a new one on your profile.")
    session.execute(
        delete(ChatCode).where(
            ChatCode.workspace_id == workspace_id, ChatCode.kind == kind, ChatCode.member_id == they.id
        )
    )
    here = (ChatAccount.workspace_id == workspace_id, ChatAccount.kind == kind)
    known = session.scalar(select(ChatAccount).where(*here, ChatAccount.account == spoken.account))
    if known is not None and known.member_id != they.id:
        raise NotNow("This account belongs to another member. They remove it on their profile first.")
    session.execute(delete(ChatAccount).where(*here, ChatAccount.member_id == they.id))
    session.add(
        ChatAccount(
            workspace_id=workspace_id, kind=kind, account=spoken.account, member_id=they.id, made_by=they.id,
            made_at=clock.now(),
        )
    )  # fmt: skip
    session.flush()
    audit.note(session, they, "chat.account_linked", "member", they.id, {"chat": kind})
    return f"You are {they.name} from now on. Requests can be answered here."


def _oneself(principal: Principal) -> str:
    authorize(principal, "approval.decide", owners=(principal.member_id,))
    if principal.member_id is None:
        raise NotAllowed("A member has an account in a chat, and nobody else.", extra={"required": "approval.decide"})
    return principal.member_id


def _is_base64(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) >= 16
    except (binascii.Error, ValueError):
        return False


def _wrong(field: str, sentence: str) -> NoReturn:
    raise Malformed(sentence, errors={field: [sentence]})
