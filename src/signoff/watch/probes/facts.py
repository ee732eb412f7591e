"""What probes judge from: read once, in a handful of queries (`load.py`), then plain and frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from signoff.agents.body import Body
from signoff.agents.findings import Finding
from signoff.agents.ownership import OwnerFacts
from signoff.evaluations.golden import GoldenFact
from signoff.watch.probes.evidence import Tier


@dataclass(frozen=True, slots=True)
class LoginFact:
    """How a connection signs in."""

    state: str
    principal: str
    who: str
    can_refresh: bool
    expires_at: datetime | None
    last_refreshed_at: datetime | None
    scopes_asked: tuple[str, ...]
    scopes_granted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Binding:
    """The connection that stands for a slot in the environment. `same_as`: other environments that lead to the same
    system."""

    connection_id: str
    slot: str
    state: str
    health: str
    checked_at: datetime | None
    last_error: str
    address: str
    same_as: tuple[str, ...] = ()
    login: LoginFact | None = None


@dataclass(frozen=True, slots=True)
class ToolFact:
    """A tool as its connection offers it in the environment. `effect` is the gravest of connection and revision."""

    effect: str
    state: str
    arguments: frozenset[str]


@dataclass(frozen=True, slots=True)
class SecretFact:
    """A secret of the environment."""

    principal: str
    owner: str
    expires_at: datetime | None
    is_granted: bool


@dataclass(frozen=True, slots=True)
class RunFact:
    """One run, as far as probes ask."""

    id: str
    revision_id: str
    environment_id: str
    state: str
    origin: str
    source: str
    mode: str
    code: str | None
    needs_attention: bool
    is_scripted: bool
    waiting_for: str | None
    cost_usd: Decimal
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    has_output: bool

    @property
    def seconds(self) -> float | None:
        """Return how long it took, from its start to its end."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at and self.started_at else None

    @property
    def is_whole(self) -> bool:
        """Return whether it did everything for real, and was no repetition of another."""
        return self.mode == "live" and self.source != "replay"


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """How one request of a gate ended, and what its run came to."""

    gate: str
    state: str
    run_state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LimitFact:
    """A limit of money that somebody set for the agent, its environment or the workspace."""

    scope: str
    period: str
    covers: str
    cap_usd: Decimal | None
    alert_percent: int
    is_hard: bool


@dataclass(frozen=True, slots=True)
class DrillFact:
    """One measured exercise of going back."""

    seconds: float
    is_passed: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class ShadowFact:
    """What the candidate would have answered, over all its days in the shadow."""

    days: int = 0
    compared: int = 0
    differing: int = 0
    unjudged: int = 0
    worse: int = 0
    newest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """What serves the environment now, and what did before."""

    live_revision_id: str | None = None
    live_number: int | None = None
    live_at: datetime | None = None
    # Numbers of revisions that served here before what serves now, the last one first.
    earlier: tuple[int, ...] = ()
    # Environments outside production where this revision serves or served.
    staged_in: tuple[str, ...] = ()
    has_staging: bool = False


@dataclass(frozen=True, slots=True)
class People:
    """Who answers for the agent, and who else there is."""

    owners: tuple[OwnerFacts, ...] = ()
    may_pause: int = 0
    has_last_resort: bool = False
    handover_since: datetime | None = None
    channels: int = 0

    def holder(self, kind: str) -> OwnerFacts | None:
        """Return who sits on a seat and has not declined it, the one who accepted first."""
        found = [one for one in self.owners if one.kind == kind and one.state != "declined"]
        return min(found, key=lambda one: one.state != "accepted", default=None)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a workspace's policy says of an agent's work: how often, how long, by when in the day; and how often going
    back from it is rehearsed; and how risky it is held to be, where that is more than what can be computed."""

    runs_per_day: int | None = None
    run_seconds_max: int | None = None
    starts_at: str | None = None
    done_by: str | None = None
    drill_every_days: int | None = None
    risk_tier: Tier | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """What a week of an agent has to keep to before it is given more to do; `cost_usd` None: no target."""

    failed_percent: float = 5.0
    needs_input_percent: float = 30.0
    denied_percent: float = 20.0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class WeekFact:
    """Seven days of real runs of the agent here; the cost is of one run."""

    runs: int = 0
    failed_percent: float = 0.0
    needs_input_percent: float = 0.0
    denied_percent: float = 0.0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Expansion:
    """In what the revision goes beyond what serves, and the last weeks, the newest first; none when it does not."""

    widens: tuple[str, ...] = ()
    weeks: tuple[WeekFact, ...] = ()


@dataclass(frozen=True, slots=True)
class CalledAgent:
    """An agent that the revision calls: under which revision, None when there is none; and the agent's state."""

    slug: str
    is_pinned: bool
    number: int | None
    state: str


@dataclass(frozen=True, slots=True)
class ProbeFacts:
    """Everything the probes of one revision in one environment may know.

    Attributes:
        runs: of this revision, anywhere, the newest first; no shadows.
        here: of the agent in this environment, any revision, the newest first.
        busiest_day: how many real runs there were here on the busiest day of late; None when there was none.
        used: names of tools (`slot.tool`) that runs of this revision called.
        golden, golden_live: what evaluations on the golden datasets say of this revision, and of what serves.
        signed: who approved this revision's release here after reading its diff.
        release_state: of the release of this revision that is under way here; None when there is none.
        authors: members who wrote the revision; a key counts as whoever made it.
        schema: the names of the database's schema, and of the release's.
    """

    now: datetime
    tier: Tier
    agent_id: str
    slug: str
    environment_id: str
    environment: str
    is_production: bool
    revision_id: str
    number: int
    newest_number: int
    is_intact: bool
    body: Body
    expected: Expected = Expected()
    tier_reasons: tuple[str, ...] = ()
    authors: frozenset[str] = frozenset()
    bindings: Mapping[str, Binding] = field(default_factory=dict[str, Binding])
    tools: Mapping[tuple[str, str], ToolFact] = field(default_factory=dict[tuple[str, str], ToolFact])
    secrets: Mapping[str, SecretFact] = field(default_factory=dict[str, SecretFact])
    runs: Sequence[RunFact] = ()
    here: Sequence[RunFact] = ()
    busiest_day: int | None = None
    used: frozenset[str] = frozenset()
    answers: Sequence[GateAnswer] = ()
    oldest_request_at: datetime | None = None
    pending: int = 0
    unknown_effects: int = 0
    people: People = People()
    limits: Sequence[LimitFact] = ()
    served: Served = Served()
    drill: DrillFact | None = None
    shadow: ShadowFact = ShadowFact()
    golden: Sequence[GoldenFact] = ()
    golden_live: Sequence[GoldenFact] = ()
    signed: frozenset[str] = frozenset()
    signed_at: datetime | None = None
    release_state: str | None = None
    alerts: Sequence[tuple[str, str]] = ()
    findings: Sequence[Finding] = ()
    memory_scope: str | None = None
    called: Sequence[CalledAgent] = ()
    expansion: Expansion = Expansion()
    targets: Targets = Targets()
    schema: tuple[str, str] = ("", "")

    @property
    def granted(self) -> Mapping[str, ToolFact]:
        """Return the tools that the revision allows and the environment has, by `slot.tool`."""
        return {
            f"{slot.slot}.{allowed.tool}": self.tools[slot.slot, allowed.tool]
            for slot in self.body.tools
            for allowed in slot.allow
            if (slot.slot, allowed.tool) in self.tools
        }

    @property
    def finished(self) -> list[RunFact]:
        """Return the runs of this revision that did everything for real and are over, the newest first."""
        return [run for run in self.runs if run.is_whole and run.state in ("completed", "failed")]

    @property
    def tried(self) -> list[RunFact]:
        """Return the runs of this revision elsewhere, in a sandbox or before it went live, that are over, newest first.
        What they call may have been simulated: a test never acts."""
        real = {run.id for run in self.since_live if run.is_whole}
        return [
            run
            for run in self.runs
            if run.id not in real
            and (run.is_whole or (run.mode == "sandbox" and run.source != "replay"))
            and run.state in ("completed", "failed")
        ]

    @property
    def since_live(self) -> list[RunFact]:
        """Return the runs of this revision here since it went live, the newest first; none while it does not serve."""
        since = self.served.live_at
        if self.served.live_revision_id != self.revision_id or since is None:
            return []
        return [run for run in self.here if run.revision_id == self.revision_id and run.created_at >= since]

    def arguments(self) -> Mapping[str, str]:
        """Return what stands in the addresses of links."""
        return {"agent": self.slug, "environment": self.environment, "number": str(self.number)}
