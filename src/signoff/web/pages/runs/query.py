"""What the list of runs shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from signoff.agents.queries import agent_names
from signoff.budgets.defaults import Defaults
from signoff.budgets.queries import Spend, today
from signoff.kit import clock
from signoff.people.access import Principal, can, reach
from signoff.people.queries import environments
from signoff.runs import queries
from signoff.runs.callers import Caller, callers
from signoff.runs.figures import Figures, figures_since, open_counts
from signoff.runs.views import FailureCluster, RunRow
from signoff.web.chrome import Chrome
from signoff.web.pages.runs.filters import SPANS, VIEWS, Asked
from signoff.web.run_words import SOURCES, STATES, failed_at, reason_of

DAY = timedelta(hours=24)
CLUSTER_RUNS_MIN = 5
_CLUSTERS_MAX = 3
SERIES = (
    ("completed", "ok", "Completed"),
    ("open", "run", "Open"),
    ("waiting", "wait", "Waiting"),
    ("failed", "bad", "Failed"),
    ("other", "idle", "Cancelled or rejected"),
)
_SERIES_OF = {"queued": "open", "running": "open", "cancelled": "other", "rejected": "other"}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list."""

    run: RunRow
    reason: str
    tone: str
    source: str
    source_icon: str
    environment: str
    duration_ms: float | None
    is_going_on: bool
    caller: Caller | None = None

    @property
    def labels(self) -> list[str]:
        """Return what makes this run another thing than real work by a real model."""
        run = self.run
        said = [("scripted", run.is_scripted), ("test", run.origin == "test"), (run.mode, run.mode != "live")]
        return [word for word, is_so in said if is_so]

    @property
    def called_by(self) -> str:
        """Return who asked for it; empty when no agent did."""
        if not self.run.parent_run_id:
            return ""
        return f"called by {self.caller.agent_name}" if self.caller else "called by another agent"


@dataclass(frozen=True, slots=True)
class ClusterLine:
    """Runs that failed alike."""

    title: str
    reason: str
    path: str
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Today:
    """The cards above the list."""

    figures: Figures
    bars: Sequence[dict[str, object]]
    success: float | None
    p95_ms: float | None
    spend: Spend | None

    @property
    def sentence(self) -> str:
        """Return the chart in words."""
        counts = self.figures.counts
        return (
            f"Runs of the last 24 hours: {counts['completed']:,} completed, {counts['failed']:,} failed, "
            f"{counts['waiting']:,} waiting, {counts['running'] + counts['queued']:,} open"
        )


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, and the address of the list without it."""

    text: str
    path: str


@dataclass(frozen=True, slots=True)
class RunsView:
    """One page of the list. Addresses lie below the workspace."""

    asked: Asked
    rows: Sequence[Line]
    newer: str | None
    older: str | None
    counts: dict[str, int]
    clusters: Sequence[ClusterLine]
    today: Today | None
    agents: Sequence[tuple[str, str]]
    environments: Sequence[tuple[str, str]]
    chips: Sequence[Chip]
    is_first_page: bool
    has_any: bool
    may_start: bool
    may_cancel: bool
    reach_note: str
    first_agent: str
    series: Sequence[tuple[str, str, str]] = SERIES

    @property
    def state_options(self) -> list[tuple[str, str, str]]:
        """Return the states as a filter offers them."""
        return [(state, text, state) for state, text in STATES]

    @property
    def source_options(self) -> list[tuple[str, str]]:
        """Return the sources as a filter offers them."""
        return [(name, text) for name, (text, _) in SOURCES.items()]

    @property
    def span_options(self) -> list[tuple[str, str]]:
        """Return the spans of time as a filter offers them."""
        return [(name, text.capitalize()) for name, (text, _) in SPANS.items()]

    def tabs(self, chrome: Chrome) -> list[tuple[object, ...]]:
        """Return the views as tabs."""
        tones = {"attention": "wait", "running": "run", "waiting": "wait"}
        found: list[tuple[object, ...]] = []
        for key, text in VIEWS:
            link = (chrome.href(self.asked.in_view(key)), text, self.asked.view == key)
            found.append((*link, self.counts.get(key, 0), tones[key]) if key in tones else link)
        return found

    @property
    def has_family(self) -> bool:
        """Return whether agents call agents here: then the list says which of their runs it shows."""
        return bool(self.asked.children) or any(line.run.parent_run_id or line.run.child_runs for line in self.rows)

    @property
    def live_address(self) -> str:
        """Return where the rows of this page are asked for again."""
        return self.asked.address(live="1")


def load_rows(session: Session, viewer: Principal, asked: Asked, zone: ZoneInfo, cursor: str | None) -> RunsView:
    """Return the rows alone: what htmx puts into the page, and what is asked for every few seconds."""
    return _load(session, viewer, asked, zone, cursor, None)


def load(
    session: Session, viewer: Principal, asked: Asked, zone: ZoneInfo, cursor: str | None, limits: Defaults
) -> RunsView:
    """Return the whole page. `limits`: what may be spent where nobody set a limit."""
    return _load(session, viewer, asked, zone, cursor, limits)


def _load(
    session: Session, viewer: Principal, asked: Asked, zone: ZoneInfo, cursor: str | None, limits: Defaults | None
) -> RunsView:
    found = queries.runs_page(session, viewer, asked.wanted(zone), cursor)
    places = environments(session, viewer)
    names = {place.id: place.name for place in places}
    asking = callers(session, viewer, found.rows)
    now = clock.now()
    has_any = bool(found.rows) or bool(queries.runs_page(session, viewer, queries.RunFilter(), None, 1).rows)
    is_plain = asked.view in ("all", "attention") and not asked.is_filtered and cursor is None
    agents = agent_names(session, viewer) if limits is not None or not has_any else ()
    return RunsView(
        asked=asked,
        rows=[_line(row, names, now, asking.get(row.parent_run_id or "")) for row in found.rows],
        newer=asked.address(cursor=found.previous_cursor or "") if found.previous_cursor else None,
        older=asked.address(cursor=found.next_cursor or "") if found.next_cursor else None,
        counts=_counts(session, viewer),
        clusters=_clusters(session, viewer, now) if is_plain and has_any else (),
        today=_today(session, viewer, now, zone, limits) if limits is not None and has_any else None,
        agents=[(agent.slug, agent.name) for agent in agents],
        environments=[(place.slug, place.name) for place in places],
        chips=_chips(asked),
        is_first_page=cursor is None or found.previous_cursor is None,
        has_any=has_any,
        may_start=can(viewer, "run.start"),
        may_cancel=can(viewer, "run.cancel"),
        reach_note=""
        if reach(viewer, "run.read") == "all"
        else "You see the runs you asked for, and those of agents that are yours or shared with you.",
        first_agent=next((agent.slug for agent in agents if agent.is_ready), ""),
    )


def _line(run: RunRow, names: dict[str, str], now: datetime, caller: Caller | None) -> Line:
    source, source_icon = SOURCES[run.source]
    start, end = run.started_at, run.ended_at
    lasting = None if start is None else ((end or now) - start).total_seconds() * 1000
    tone = {"failed": "is-bad", "rejected": "is-bad", "waiting": "is-wait"}.get(run.state, "")
    return Line(
        run, reason_of(run), tone, source, source_icon, names.get(run.environment_id, ""), lasting,
        start is not None and end is None, caller,
    )  # fmt: skip


def _counts(session: Session, viewer: Principal) -> dict[str, int]:
    counts = open_counts(session, viewer)
    return {
        "attention": queries.attention_count(session, viewer),
        "running": counts["running"] + counts["queued"],
        "waiting": counts["waiting"],
    }


def _clusters(session: Session, viewer: Principal, now: datetime) -> list[ClusterLine]:
    found = queries.failure_clusters(session, viewer, now - DAY)
    return [_cluster(cluster) for cluster in found if cluster.runs >= CLUSTER_RUNS_MIN][:_CLUSTERS_MAX]


def _cluster(cluster: FailureCluster) -> ClusterLine:
    where = f" at {failed_at(cluster.failed_step)}" if cluster.failed_step else ""
    said = {"status": "failed", "time": "24h", "code": cluster.code, "step": cluster.failed_step or ""}
    return ClusterLine(
        f"{cluster.runs:,} runs failed{where}", " ".join((cluster.example_reason or cluster.code).split()),
        f"/runs?{urlencode(said)}", cluster.last_at,
    )  # fmt: skip


def _today(session: Session, viewer: Principal, now: datetime, zone: ZoneInfo, limits: Defaults) -> Today:
    figures = figures_since(session, viewer, now - DAY, now)
    bars: list[dict[str, object]] = []
    for number, slot in enumerate(figures.slots):
        # Two slots make a bar of about half an hour.
        if number % 2 == 0:
            bars.append({"start": f"{slot.start.astimezone(zone):%H:%M}", **{key: 0 for key, _, _ in SERIES}})
        for state, runs in slot.counts.items():
            key = _SERIES_OF.get(state, state)
            bars[-1][key] = int(str(bars[-1][key])) + runs
    rate = figures.success_rate
    return Today(
        figures, bars, None if rate is None else rate * 100,
        None if figures.p95_seconds is None else figures.p95_seconds * 1000,
        today(session, viewer.workspace_id, limits) if can(viewer, "budget.read") else None,
    )  # fmt: skip


def _chips(asked: Asked) -> list[Chip]:
    """Return what is set, each with the way out of it."""
    states = dict(STATES)
    found = [Chip(f"“{asked.q}”", asked.without("q"))] if asked.q else []
    if asked.status:
        found.append(Chip("Status: " + ", ".join(states[one].lower() for one in asked.status), asked.without("status")))
    plain = (("agent", "Agent"), ("revision", "Revision"), ("environment", "Environment"), ("origin", "Origin"))
    found += [
        Chip(f"{label}: {getattr(asked, name)}", asked.without(name)) for name, label in plain if getattr(asked, name)
    ]
    if asked.source:
        found.append(Chip(f"Source: {SOURCES[asked.source][0]}", asked.without("source")))
    if asked.time:
        found.append(Chip(f"Started: {SPANS[asked.time][0]}", asked.without("time")))
    if asked.since or asked.until:
        words = " ".join((f"from {asked.since}" if asked.since else "", f"until {asked.until}" if asked.until else ""))
        found.append(Chip(words.strip().replace("T", " "), asked.without("since", "until")))
    if asked.children:
        words = {"all": "shown", "only": "only these", "without": "left out"}[asked.children]
        found.append(Chip(f"Called by agents: {words}", asked.without("children")))
    if asked.code:
        where = f" at {failed_at(asked.step)}" if asked.step else ""
        found.append(Chip(f"Failed{where}: {asked.code}", asked.without("code", "step")))
    return found
