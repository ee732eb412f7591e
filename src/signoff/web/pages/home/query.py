"""What the first page shows: is it running, is it working, what does it cost, what needs me."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from signoff.agents.access_requests import AccessRequestFacts, to_decide
from signoff.agents.ownership import WaitingSeat, waiting_for
from signoff.agents.queries import agents_page
from signoff.agents.views import AgentFacts
from signoff.approvals.facts import ApprovalFilter, ApprovalRow
from signoff.approvals.queries import inbox
from signoff.budgets.defaults import Defaults
from signoff.budgets.queries import Spend, today
from signoff.connections.queries import connections_page
from signoff.connections.views import ConnectionRow
from signoff.incidents.queries import incidents_of_alerts, under_way
from signoff.incidents.views import IncidentFacts
from signoff.kit import clock
from signoff.people.access import Principal, can
from signoff.people.key_queries import keys
from signoff.releases.follow_up.queries import reviews_page
from signoff.releases.follow_up.views import ReviewFacts
from signoff.runs import queries
from signoff.runs.by_agent import LastRun, last_runs_by_agent
from signoff.runs.figures import Figures, figures_since, open_counts
from signoff.runs.queries import RunFilter
from signoff.runs.views import RunRow
from signoff.watch.queries import AlertRow, open_alert_count, open_alerts
from signoff.web.run_words import Next, next_of, reason_of
from signoff.web.seat_words import SEAT_TITLES

_RUNS = 6
_ALERTS = 5
_AGENTS = 6
# A queued run that waits longer than this says that workers are missing or too few.
QUEUE_SLOW_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the process and how it is. `words` empty when well."""

    name: str
    is_well: bool
    words: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a short list."""

    run: RunRow
    reason: str
    next: Next | None


@dataclass(frozen=True, slots=True)
class AgentLine:
    """An agent and its last result."""

    agent: AgentFacts
    last: LastRun | None


@dataclass(frozen=True, slots=True)
class AskedLine:
    """A seat the viewer was asked to take."""

    seat: WaitingSeat
    title: str


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One step of the guide. `path` lies below the workspace."""

    title: str
    text: str
    path: str
    link: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class HomeView:
    """The first page. A part the viewer may not see is empty or None."""

    parts: Sequence[Part]
    running: int
    queued: int
    oldest_queued_ms: float
    figures: Figures
    attention: Sequence[RunLine]
    attention_count: int
    alerts: Sequence[AlertRow]
    alerts_count: int
    alerts_agent: str
    may_resolve: bool
    incidents: Sequence[IncidentFacts]
    of_alerts: Mapping[str, IncidentFacts]
    may_declare: bool
    broken: Sequence[ConnectionRow]
    to_settle: int
    asked: Sequence[AskedLine]
    asks: Sequence[ApprovalRow]
    asks_count: int
    requests: Sequence[AccessRequestFacts]
    reviews: Sequence[ReviewFacts]
    spend: Spend | None
    recent: Sequence[RunLine]
    agents: Sequence[AgentLine]
    steps: Sequence[FirstStep]
    has_runs: bool

    @property
    def parts_are_well(self) -> bool:
        """Return whether each part says so."""
        return all(part.is_well for part in self.parts)

    @property
    def is_well(self) -> bool:
        """Return whether everything that has to run does, and keeps up."""
        return self.parts_are_well and self.oldest_queued_ms < QUEUE_SLOW_SECONDS * 1000

    @property
    def needs_nothing(self) -> bool:
        """Return whether nothing waits for the viewer."""
        return not (
            self.asks
            or self.attention_count
            or self.alerts
            or self.broken
            or self.to_settle
            or self.asked
            or self.requests
            or self.reviews
            or self.incidents
        )

    @property
    def next_step(self) -> FirstStep | None:
        """Return the first step of the guide that is not done."""
        return next((step for step in self.steps if not step.is_done), None)

    @property
    def has_guide(self) -> bool:
        """Return whether the guide is still worth its room."""
        return not all(step.is_done for step in self.steps[:-1])

    @property
    def success(self) -> float | None:
        """Return the success rate of the last day in per cent."""
        rate = self.figures.success_rate
        return None if rate is None else rate * 100


def load(
    session: Session,
    viewer: Principal,
    checks: Mapping[str, str],
    defaults: Defaults,
    counted: Mapping[str, int],
    agent: str = "",
) -> HomeView:
    """Return the page.

    Args:
        checks: what each part of the process says about itself: `ok`, or what is wrong.
        counted: what the side bar counted a moment ago: by key, what waits for somebody.
        agent: a slug: of the alerts only those about this agent.

    Raises:
        NotFound: there is no such agent.
    """
    now = clock.now()
    counts = open_counts(session, viewer)
    attention = queries.runs_page(session, viewer, RunFilter(needs_attention=True), None, _RUNS)
    recent = queries.runs_page(session, viewer, RunFilter(), None, _RUNS)
    agents = agents_page(session, viewer, size=_AGENTS).rows
    last = last_runs_by_agent(session, viewer, [agent.id for agent in agents])
    alerts, alerts_count = _alerts(session, viewer, agent or None)
    return HomeView(
        parts=[_part(name, said) for name, said in checks.items()],
        running=counts["running"], queued=counts["queued"],
        oldest_queued_ms=queries.oldest_queued_seconds(session, viewer) * 1000 if counts["queued"] else 0.0,
        figures=figures_since(session, viewer, now - timedelta(hours=24), now),
        attention=[_line(run) for run in attention.rows], attention_count=counted.get("runs", 0),
        alerts=alerts, alerts_count=alerts_count, alerts_agent=agent, may_resolve=can(viewer, "alert.resolve"),
        incidents=under_way(session, viewer)[:_ALERTS] if counted.get("incidents") else (),
        of_alerts=incidents_of_alerts(session, viewer, [one.id for one in alerts]),
        may_declare=can(viewer, "incident.declare"),
        broken=_broken(session, viewer) if counted.get("connections") else (),
        to_settle=counted.get("reconciliation", 0),
        asks=_asks(session, viewer), asks_count=counted.get("inbox", 0),
        asked=[AskedLine(one, SEAT_TITLES[one.kind][0].lower()) for one in _asked(session, viewer)],
        requests=to_decide(session, viewer) if can(viewer, "workspace.read") else [],
        reviews=_reviews(session, viewer),
        spend=today(session, viewer.workspace_id, defaults) if can(viewer, "budget.read") else None,
        recent=[_line(run) for run in recent.rows],
        agents=[AgentLine(agent, last.get(agent.id)) for agent in agents],
        steps=_guide(session, viewer, agents, recent.rows), has_runs=bool(recent.rows),
    )  # fmt: skip


def _broken(session: Session, viewer: Principal) -> Sequence[ConnectionRow]:
    return connections_page(session, viewer, state="active", health="broken", size=_ALERTS).rows


def _has_connections(session: Session, viewer: Principal) -> bool:
    return can(viewer, "connection.read") and bool(connections_page(session, viewer, size=1).rows)


def _alerts(session: Session, viewer: Principal, agent: str | None) -> tuple[Sequence[AlertRow], int]:
    """Return the newest open alerts, and how many are open, as far as they are counted."""
    if not can(viewer, "alert.read"):
        return (), 0
    return open_alerts(session, viewer, agent=agent, size=_ALERTS), open_alert_count(session, viewer, agent=agent)


def _asked(session: Session, viewer: Principal) -> Sequence[WaitingSeat]:
    return waiting_for(session, viewer) if can(viewer, "agent.read") else ()


def _reviews(session: Session, viewer: Principal) -> Sequence[ReviewFacts]:
    """Return the reviews that are the viewer's to do."""
    if not can(viewer, "agent.read"):
        return ()
    return reviews_page(session, viewer, is_open=True, is_mine=True, size=_ALERTS).rows


def _asks(session: Session, viewer: Principal) -> Sequence[ApprovalRow]:
    """Return what waits for the viewer's answer, the oldest first."""
    if not can(viewer, "approval.decide"):
        return ()
    return inbox(session, viewer, ApprovalFilter(is_mine=True), is_oldest_first=True, size=_ALERTS).rows


def _line(run: RunRow) -> RunLine:
    return RunLine(run, reason_of(run), next_of(run))


def _part(name: str, said: str) -> Part:
    names = {"database": "Database", "migrations": "Schema", "worker": "Worker"}
    return Part(names.get(name, name.capitalize()), said == "ok", "" if said == "ok" else said)


def _guide(
    session: Session,
    viewer: Principal,
    agents: Sequence[AgentFacts],
    runs: Sequence[RunRow],
) -> list[FirstStep]:
    agent = agents[0] if agents else None
    is_frozen = any(one.last_revision for one in agents)
    path = f"/agents/{agent.slug}" if agent else "/agents"
    has_key = can(viewer, "key.read") and bool(keys(session, viewer, size=1).rows)
    systems = "Mail, files, an MCP server or an OpenAPI service: what the agent may use."
    procedure = "A procedure in plain words, a model, and the tools it may use."
    frozen = "Checks must pass; from then on it serves runs."
    editor = f"{path}/edit" if agent else path
    run = f"{path}/run" if is_frozen else path
    has_connections = _has_connections(session, viewer)
    own = "One POST starts a run; the key is shown once."
    return [
        FirstStep("Connect a system", systems, "/connections/new", "Add a connection", has_connections),
        FirstStep("Write an agent", procedure, "/agents/new", "New agent", bool(agents)),
        FirstStep("Freeze its first revision", frozen, editor, "Open the editor", is_frozen),
        FirstStep("Run it once", "Give it one input and watch every step.", run, "Run it", bool(runs)),
        FirstStep("Make a key for your own code", own, "/settings/keys", "API keys", has_key),
    ]
