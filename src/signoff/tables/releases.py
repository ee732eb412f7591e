"""The act of shipping a revision: releases, their timeline, who signed them, what was compared."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Hash, Id, Json, Long, Moment, Name, State, Usd


class Release(Base):
    """One attempt to let one revision serve one environment, with its strategy, evidence and end."""

    __tablename__ = "releases"
    __table_args__ = (
        # Set while the release is under way, null once it is over: one agent has one open release in an environment.
        UniqueConstraint("open_key"),
        Index(None, "workspace_id", "id"),
        Index(None, "agent_id", "id"),
        Index(None, "environment_id", "id"),
        Index(None, "revision_id", "id"),
        Index(None, "due_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"))
    # What served when it was asked for; null: nothing did.
    previous_revision_id: Mapped[str | None] = mapped_column(ForeignKey("revisions.id"))
    open_key: Mapped[str | None] = mapped_column(Name)
    state: Mapped[str] = mapped_column(State)
    state_since: Mapped[datetime] = mapped_column(Moment)
    # Counts every move, so that each is made from what was read: `… where id = ? and version = ?`.
    version: Mapped[int] = mapped_column(default=1)
    # When the engine looks at it next; null: it waits for a person, or is over.
    due_at: Mapped[datetime | None] = mapped_column(Moment)

    # As `releases/strategy.py` reads it: kind, time, steps, cohort, shadow.
    strategy: Mapped[dict[str, Any]] = mapped_column(Json)
    # The step of the canary it is at, from 0; and since when.
    step: Mapped[int] = mapped_column(default=0)
    step_since: Mapped[datetime | None] = mapped_column(Moment)
    is_rollback: Mapped[bool] = mapped_column(default=False)
    is_emergency: Mapped[bool] = mapped_column(default=False)
    # The release that this one goes back from, if it does.
    rolls_back_id: Mapped[str | None] = mapped_column(Id)

    tier: Mapped[str] = mapped_column(State)
    reason: Mapped[str] = mapped_column(Long)
    requested_by: Mapped[str] = mapped_column(Id)
    requested_by_name: Mapped[str] = mapped_column(Name)
    requested_at: Mapped[datetime] = mapped_column(Moment)
    # Who answers for it since they took it over; null: whoever asked for it. With which key: null, by hand.
    taken_over_by: Mapped[str | None] = mapped_column(Id)
    taken_over_by_name: Mapped[str | None] = mapped_column(Name)
    asked_with: Mapped[str | None] = mapped_column(Id)
    # It would go on, but those it rests on may not deploy there any more.
    held_since: Mapped[datetime | None] = mapped_column(Moment)
    held_reason: Mapped[str | None] = mapped_column(Long)
    # What the probes said when the gate was passed or refused, by probe; and under which policy: by this digest its
    # drift is seen, too.
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    evidence_at: Mapped[datetime | None] = mapped_column(Moment)
    policy_digest: Mapped[str | None] = mapped_column(Hash)
    # Everything the revision refers to, as it was when it went live: models, schemas, child revisions, prices.
    lock: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # The last comparison of the candidate with what is live.
    verdict: Mapped[str | None] = mapped_column(State)
    verdict_reason: Mapped[str | None] = mapped_column(Long)
    verdict_at: Mapped[datetime | None] = mapped_column(Moment)

    live_at: Mapped[datetime | None] = mapped_column(Moment)
    watch_until: Mapped[datetime | None] = mapped_column(Moment)
    code: Mapped[str | None] = mapped_column(Name)
    ended_reason: Mapped[str | None] = mapped_column(Long)
    ended_by_name: Mapped[str | None] = mapped_column(Name)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    # How many of its connections did not work when they were tried at the switch.
    activations_failed: Mapped[int] = mapped_column(default=0, server_default="0")


class ReleaseActivation(Base):
    """One connection of a release's revision, tried in its environment as the release switched."""

    __tablename__ = "release_activations"

    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    slot: Mapped[str] = mapped_column(Name, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    # Null: no connection of the slot's name is there.
    connection_id: Mapped[str | None] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(State)
    # pending → ok | failed
    state: Mapped[str] = mapped_column(State)
    code: Mapped[str | None] = mapped_column(Name)
    error: Mapped[str | None] = mapped_column(Long)
    seconds: Mapped[float | None] = mapped_column(Float)
    at: Mapped[datetime | None] = mapped_column(Moment)


class ReleaseEvent(Base):
    """One line of a release's timeline. Never changed."""

    __tablename__ = "release_events"

    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(State)
    actor_id: Mapped[str] = mapped_column(Id)
    actor_name: Mapped[str] = mapped_column(Name)
    text: Mapped[str] = mapped_column(Long)
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class ReleaseSignature(Base):
    """What one person said to a release: they read this diff, and approve or refuse."""

    __tablename__ = "release_signatures"

    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    member_name: Mapped[str] = mapped_column(Name)
    verdict: Mapped[str] = mapped_column(State)
    # The diff that was on their screen: of another diff they have said nothing.
    diff_digest: Mapped[str] = mapped_column(Hash)
    comment: Mapped[str] = mapped_column(Long)
    at: Mapped[datetime] = mapped_column(Moment)


class ShadowPair(Base):
    """The answer that was given, and what the candidate would have given to the same input."""

    __tablename__ = "shadow_pairs"
    __table_args__ = (
        UniqueConstraint("shadow_run_id"),
        Index(None, "release_id", "state", "run_id"),
        Index(None, "release_id", "judged_by", "run_id"),
    )

    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    shadow_run_id: Mapped[str | None] = mapped_column(Id)
    # asked → running → compared, or skipped with its reason.
    state: Mapped[str] = mapped_column(State)
    reason: Mapped[str | None] = mapped_column(Long)
    is_equal: Mapped[bool | None]
    # Field by field, and the calls that each made or would have made.
    differences: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    cost_usd: Mapped[Decimal] = mapped_column(Usd, default=Decimal(0))
    made_at: Mapped[datetime] = mapped_column(Moment)
    compared_at: Mapped[datetime | None] = mapped_column(Moment)
    # better | same | worse, as a person sees it.
    judgement: Mapped[str | None] = mapped_column(State)
    judged_by: Mapped[str | None] = mapped_column(Id)
    judged_by_name: Mapped[str | None] = mapped_column(Name)
    judged_at: Mapped[datetime | None] = mapped_column(Moment)


class Drill(Base):
    """One measured exercise: going back, done for real or rehearsed, and how long it took."""

    __tablename__ = "drills"
    __table_args__ = (Index(None, "agent_id", "environment_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    kind: Mapped[str] = mapped_column(State)
    from_revision_id: Mapped[str] = mapped_column(Id)
    to_revision_id: Mapped[str] = mapped_column(Id)
    milliseconds: Mapped[int]
    is_passed: Mapped[bool]
    text: Mapped[str] = mapped_column(Long)
    by: Mapped[str] = mapped_column(Id)
    by_name: Mapped[str] = mapped_column(Name)
    at: Mapped[datetime] = mapped_column(Moment)
