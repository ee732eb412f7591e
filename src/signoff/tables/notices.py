"""How people are told of requests: who is away, channels, what was delivered, one-time links, chat accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Hash, Id, Json, Long, Moment, Name, State


class Absence(Base):
    """A member is away for a time, and what is asked of them meanwhile goes to another."""

    __tablename__ = "absences"
    __table_args__ = (Index(None, "workspace_id", "member_id", "ends_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"))
    delegate_id: Mapped[str] = mapped_column(ForeignKey("members.id"))
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    made_at: Mapped[datetime] = mapped_column(Moment)


class NoticeChannel(Base):
    """A way by which one member, or whoever answers for one agent, is told. Its address is sealed like a secret."""

    __tablename__ = "notice_channels"
    __table_args__ = (Index(None, "workspace_id", "member_id"), Index(None, "workspace_id", "agent_id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    # Exactly one of the two.
    member_id: Mapped[str | None] = mapped_column(ForeignKey("members.id"))
    agent_id: Mapped[str | None] = mapped_column(ForeignKey("agents.id"))
    # mail, slack, teams, pagerduty, webhook
    kind: Mapped[str] = mapped_column(State)
    name: Mapped[str] = mapped_column(Name)
    # An address to post to, a mail address, or the key of a service. Never shown again.
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(State)
    # at_once, hourly, daily
    pace: Mapped[str] = mapped_column(State)
    # `[from, to]` as HH:MM in `time_zone`, within which nothing is sent; null: always.
    quiet: Mapped[Any] = mapped_column(Json)
    time_zone: Mapped[str] = mapped_column(Name)
    made_by: Mapped[str] = mapped_column(Id)
    made_at: Mapped[datetime] = mapped_column(Moment)


class ApprovalDelivery(Base):
    """One message about one request through one channel: what became of it."""

    __tablename__ = "approval_deliveries"
    __table_args__ = (
        # The same event handled twice tells nobody twice.
        UniqueConstraint("approval_id", "event", "target"),
        Index(None, "channel_id", "state", "due_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    approval_id: Mapped[str] = mapped_column(ForeignKey("approvals.id"))
    # `requested`, `reminded:2`, `escalated:1`, `expired`; with a member: `requested:mem_…`.
    event: Mapped[str] = mapped_column(Name)
    # The channel's id, or `mail:` and the member where they have none.
    target: Mapped[str] = mapped_column(Name)
    # Not a foreign key: what was sent stays on record when its channel is gone.
    channel_id: Mapped[str | None] = mapped_column(Id)
    member_id: Mapped[str | None] = mapped_column(ForeignKey("members.id"))
    kind: Mapped[str] = mapped_column(State)
    # pending, sending, sent, failed, dropped
    state: Mapped[str] = mapped_column(State)
    # The delivery that carries this one along, in a digest.
    carried_by: Mapped[str | None] = mapped_column(Id)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Long)
    due_at: Mapped[datetime] = mapped_column(Moment)
    made_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class DecideLink(Base):
    """A one-time link in a mail: one member, one request, one answer. Only its hash is kept."""

    __tablename__ = "decide_links"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "approval_id", "member_id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    approval_id: Mapped[str] = mapped_column(ForeignKey("approvals.id"))
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"))
    token_hash: Mapped[str] = mapped_column(Hash)
    made_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class ChatApp(Base):
    """The secret with which a chat signs what it sends here: one for each kind and workspace."""

    __tablename__ = "chat_apps"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    # slack, teams
    kind: Mapped[str] = mapped_column(State, primary_key=True)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(State)
    made_by: Mapped[str] = mapped_column(Id)
    made_at: Mapped[datetime] = mapped_column(Moment)


class ChatAccount(Base):
    """Which member somebody is in a chat. Somebody who is nobody here decides nothing."""

    __tablename__ = "chat_accounts"
    __table_args__ = (UniqueConstraint("workspace_id", "kind", "member_id"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(State, primary_key=True)
    # Slack's user id, the object id of Microsoft Entra.
    account: Mapped[str] = mapped_column(Name, primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"))
    made_by: Mapped[str] = mapped_column(Id)
    made_at: Mapped[datetime] = mapped_column(Moment)


class ChatCode(Base):
    """A code that a member sends from a chat to show that the account there is theirs. Only its hash is kept."""

    __tablename__ = "chat_codes"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(State, primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(Hash)
    expires_at: Mapped[datetime] = mapped_column(Moment)
