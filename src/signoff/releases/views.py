"""What this room tells others: plain facts, no rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from signoff.releases.states import ReleaseState, SignatureVerdict

InFlightChoice = Literal["drain", "stop", "repin"]


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """One release, as a list shows it.

    Args:
        strategy: plain JSON; `strategy_text` says it in words.
        answered_by_name: who answers for it: whoever took it over, else whoever asked for it.
        held_since, held_reason: it would go on, but those it rests on may not deploy there any more.
        code, ended_reason: how it ended, when it did not end well.
        activations_failed: how many of its connections did not work as it switched.
    """

    id: str
    agent_id: str
    agent_slug: str
    environment_id: str
    environment: str
    is_production: bool
    revision_id: str
    revision_number: int
    previous_revision_id: str | None
    previous_number: int | None
    state: ReleaseState
    state_since: datetime
    version: int
    due_at: datetime | None
    strategy: dict[str, Any]
    strategy_kind: str
    strategy_text: str
    step: int
    steps: int
    step_since: datetime | None
    is_rollback: bool
    is_emergency: bool
    rolls_back_id: str | None
    tier: str
    reason: str
    requested_by: str
    requested_by_name: str
    requested_at: datetime
    answered_by_name: str
    held_since: datetime | None
    held_reason: str | None
    verdict: str | None
    verdict_reason: str | None
    verdict_at: datetime | None
    live_at: datetime | None
    watch_until: datetime | None
    code: str | None
    ended_reason: str | None
    ended_by_name: str | None
    ended_at: datetime | None
    activations_failed: int


@dataclass(frozen=True, slots=True)
class EventFacts:
    """One line of a release's timeline."""

    seq: int
    at: datetime
    kind: str
    actor_name: str
    text: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """What one person said. `is_current`: of the diff as it is now. `counts`: it is a yes to that, of somebody who may
    deploy there now and does not answer for the release."""

    member_id: str
    member_name: str
    verdict: SignatureVerdict
    comment: str
    at: datetime
    is_current: bool
    counts: bool


@dataclass(frozen=True, slots=True)
class ActivationFacts:
    """A connection of the revision, tried in the environment as the release switched.

    Args:
        connection_id: None when no connection stands under the slot's name.
        error, code: why it failed. at: when it was tried; None while it is to be.
    """

    slot: str
    connection_id: str | None
    name: str
    kind: str
    state: Literal["pending", "ok", "failed"]
    code: str | None
    error: str | None
    seconds: float | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ReleaseDetail:
    """One release, whole.

    Args:
        evidence: what the probes said when the gate was last asked, by probe.
        diff_digest: names the diff of what serves and the candidate, as it is now; a signature carries it.
        reviewers_wanted: how many people must sign. can_sign: whether the viewer may.
        can_decide: whether the viewer may abort it or promote it.
        can_take_over: whether the viewer may answer for it from now on.
        activations: its connections as they were at the switch; none before it.
    """

    facts: ReleaseFacts
    evidence: dict[str, Any]
    evidence_at: datetime | None
    policy_digest: str | None
    timeline: tuple[EventFacts, ...]
    signatures: tuple[SignatureFacts, ...]
    reviewers_wanted: int
    diff_digest: str
    can_sign: bool
    can_decide: bool
    can_take_over: bool
    activations: tuple[ActivationFacts, ...]


@dataclass(frozen=True, slots=True)
class InFlight:
    """What is under way under the revision that would be taken out of service."""

    queued: int
    running: int
    waiting: int
    deferred: int
    approvals: int

    @property
    def total(self) -> int:
        """Return how many runs there are."""
        return self.queued + self.running + self.waiting


@dataclass(frozen=True, slots=True)
class WriteFacts:
    """One act on the outside world since the revision went live.

    Args:
        compensation: the tool that takes such an act back, where the acting tool declares one.
    """

    key: str
    run_id: str
    run_title: str
    tool: str
    effect: str
    state: str
    args: Any
    at: datetime
    compensation: str | None


@dataclass(frozen=True, slots=True)
class ServedFacts:
    """A revision that served before. `was_rolled_back`: somebody, or the engine, took it out of service."""

    revision_id: str
    number: int
    was_rolled_back: bool


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What going back would do, before it is done; and what the revision has done since it went live.

    Args:
        from_revision_id: what serves now. candidate_release_id: a canary under way, which is taken away instead.
        targets: what one may go back to, newest first; the first that was not itself rolled back is proposed.
        writes: the newest acts since then; `writes_total`: how many there are.
    """

    agent_id: str
    agent_slug: str
    environment: str
    from_revision_id: str
    from_number: int
    live_since: datetime
    candidate_release_id: str | None
    target: ServedFacts | None
    targets: tuple[ServedFacts, ...]
    in_flight: InFlight
    writes: tuple[WriteFacts, ...]
    writes_total: int


@dataclass(frozen=True, slots=True)
class DrillFacts:
    """One measured exercise of going back."""

    id: str
    agent_id: str
    environment: str
    kind: Literal["rehearsed", "real"]
    from_revision_id: str
    to_revision_id: str
    milliseconds: int
    is_passed: bool
    text: str
    by_name: str
    at: datetime
