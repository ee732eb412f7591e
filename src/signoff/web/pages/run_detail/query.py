"""What the page of a run shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast

from sqlalchemy.orm import Session

from signoff.agents.queries import may_with_agent
from signoff.approvals.queries import of_run
from signoff.deployments.queries import live_revisions
from signoff.evaluations.queries import datasets_of
from signoff.incidents.queries import incidents_of_run
from signoff.incidents.views import IncidentFacts
from signoff.kit import clock, ids
from signoff.people.access import Principal, can
from signoff.people.facts import AuditFacts
from signoff.people.queries import audit_page, environments
from signoff.runs import queries
from signoff.runs.family_views import family
from signoff.runs.live_text import newest_event, text_so_far
from signoff.runs.neighbours import neighbours
from signoff.runs.states import is_over
from signoff.runs.views import FamilyView, RunDetail, RunRow, StepRow
from signoff.web.approval_card import Card, cards_of
from signoff.web.chrome import Chrome
from signoff.web.filters import count, duration, money
from signoff.web.pages.run_detail.step import StepView, load_step
from signoff.web.pages.run_detail.timeline import STEPS_ON_PAGE, Bar, Timeline, draw, first_choice, step_names
from signoff.web.run_words import SOURCES, Next, next_of

TABS = ("timeline", "output", "input", "audit")
_TABLE_ROWS_MAX = 60


@dataclass(frozen=True, slots=True)
class Banner:
    """A sentence above the tabs: why the run is where it is, and what to do."""

    tone: str
    title: str
    text: str
    next: Next | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The head of the page; drawn again when the run changes."""

    run: RunRow
    path: str
    facts: Sequence[tuple[str, ...]]
    banner: Banner | None
    labels: Sequence[tuple[str, str, str]]
    other_live: str
    live_number: int | None
    environment: str
    can_cancel: bool
    can_acknowledge: bool
    can_start: bool
    can_replay: bool
    again_key: str
    incidents: Sequence[IncidentFacts]
    can_declare: bool
    datasets: Sequence[tuple[str, str]] | None = None
    """Where it can be kept as an example, by id and name; None: the reader may not."""


@dataclass(frozen=True, slots=True)
class Now:
    """What is going on at this moment; `name` is empty when nothing is."""

    name: str
    kind: str
    since: Any
    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A field of a structured result: its name, and a text or data."""

    name: str
    value: Any
    is_plain: bool


@dataclass(frozen=True, slots=True)
class RunView:
    """The page of a run. What its tab does not show is empty."""

    head: Head
    tab: str
    timeline: Timeline | None
    step: StepView | None
    now: Now
    events_address: str
    output: Any
    cells: Sequence[Cell]
    input: Any
    audit: Sequence[AuditFacts]
    audit_note: str
    newer: str | None
    older: str | None
    family: FamilyView | None = None
    asks: Sequence[Card] = ()
    """What this run asks people, and what they answered; the oldest first."""

    def link(self, bar: Bar, chrome: Chrome) -> Bar:
        """Return the bar with its whole address."""
        return replace(bar, href=chrome.href(bar.href))

    @property
    def chosen(self) -> str:
        """Return the id of the step on show."""
        return self.step.id if self.step else ""

    @property
    def is_live(self) -> bool:
        """Return whether the page follows the run."""
        return not is_over(self.head.run.state) and self.tab == "timeline"


def load(
    session: Session,
    viewer: Principal,
    run_id: str,
    *,
    tab: str = "timeline",
    step_id: str | None = None,
    messages_from: int | None = None,
    page: int = 1,
) -> RunView:
    """Return one tab of the page.

    Raises:
        NotFound: the viewer has no such run, or it has no such step.
        NotAllowed: it is somebody else's.
    """
    # First of all: what happens while the rest is read is told by the stream again, not left out.
    newest = newest_event(session, viewer, run_id)
    found = queries.run(session, viewer, run_id)
    tab = tab if tab in TABS else "timeline"
    timeline, step, now = None, None, Now("", "", None, "")
    asks: Sequence[Card] = ()
    if tab == "timeline":
        steps = queries.steps(session, viewer, run_id)
        chosen = step_id or first_choice(found, steps)
        timeline = load_timeline(found, steps, _page_of(steps, chosen) if page == 1 else page)
        step = load_step(session, viewer, found, steps, chosen, messages_from) if chosen else None
        now = load_now(session, viewer, found, steps)
        asks = load_asks(session, viewer, run_id)
    audit, note = _audit(session, viewer, run_id) if tab == "audit" else ((), "")
    newer, older = neighbours(session, viewer, run_id)
    return RunView(
        head=load_head(session, viewer, found), tab=tab, timeline=timeline, step=step, now=now,
        events_address=f"/runs/{run_id}/events?after={newest}&asks={len(asks)}", output=found.output,
        cells=_cells(found.output) if tab == "output" else (), input=found.input, audit=audit, audit_note=note,
        newer=newer and f"/runs/{newer}", older=older and f"/runs/{older}", asks=asks,
        family=_family(session, viewer, found),
    )  # fmt: skip


def _family(session: Session, viewer: Principal, found: RunDetail) -> FamilyView | None:
    """Return the runs it belongs with; None when it stands alone."""
    run = found.run
    return family(session, viewer, run.id) if run.child_runs or run.parent_run_id else None


def load_one_step(
    session: Session, viewer: Principal, run_id: str, step_id: str, messages_from: int | None = None
) -> StepView:
    """Return one step alone: what htmx puts into its pane."""
    found = queries.run(session, viewer, run_id)
    steps = queries.steps(session, viewer, run_id)
    return load_step(session, viewer, found, steps, step_id, messages_from)


def load_asks(session: Session, viewer: Principal, run_id: str) -> list[Card]:
    """Return the cards of what the run asks and asked people, as far as the viewer sees them; at most 100."""
    return cards_of(session, viewer, of_run(session, viewer, run_id), place="run")


def load_timeline(found: RunDetail, steps: Sequence[StepRow], page: int = 1) -> Timeline:
    """Return the waterfall."""
    return draw(found, steps, f"/runs/{found.run.id}", clock.now(), page)


def load_now(session: Session, viewer: Principal, found: RunDetail, steps: Sequence[StepRow]) -> Now:
    """Return what is going on."""
    current = [step for step in steps if step.state == "running"]
    if not current or found.run.state != "running":
        return Now("", "", None, "")
    step = current[-1]
    text = text_so_far(session, viewer, found.run.id, step.key) if step.kind == "model" else ""
    return Now(step_names(steps)[step.id], step.kind, step.started_at, text)


def load_head(session: Session, viewer: Principal, found: RunDetail) -> Head:
    """Return the head."""
    run = found.run
    place = next((one for one in environments(session, viewer) if one.id == run.environment_id), None)
    lives = live_revisions(session, viewer, [run.agent_id])[run.agent_id]
    live = next((one for one in lives if one.environment_id == run.environment_id), None)
    # A version of the draft was tried, which no other run can name.
    is_draft = run.revision_number < 0
    is_other = live is not None and live.revision_id != run.revision_id and not is_draft
    may_start = not is_draft and _may_start(session, viewer, run)
    name = place.name if place else ""
    return Head(
        run=run, path=f"/runs/{run.id}", facts=_facts(found, name), banner=_banner(found),
        labels=_labels(run), other_live=_other_live(run, live.revision_number, name) if live and is_other else "",
        live_number=live.revision_number if live else None, environment=place.slug if place else "production",
        can_cancel=found.can_cancel, can_acknowledge=found.can_acknowledge, can_start=may_start,
        can_replay=may_start and is_over(run.state) and run.mode != "replay" and run.model_calls > 0,
        again_key=ids.new_token("again", 9), incidents=incidents_of_run(session, viewer, run.id),
        can_declare=run.state == "failed" and may_with_agent(session, viewer, run.agent_id, "incident.declare"),
        datasets=_datasets(session, viewer, run),
    )  # fmt: skip


def _datasets(session: Session, viewer: Principal, run: RunRow) -> Sequence[tuple[str, str]] | None:
    if not is_over(run.state) or not may_with_agent(session, viewer, run.agent_id, "dataset.edit"):
        return None
    return [(one.id, one.name) for one in datasets_of(session, viewer, run.agent_id)]


def _may_start(session: Session, viewer: Principal, run: RunRow) -> bool:
    is_here = can(viewer, "run.start", environment_id=run.environment_id)
    return is_here and may_with_agent(session, viewer, run.agent_id, "run.start")


def _other_live(run: RunRow, number: int, place: str) -> str:
    return f"This ran on revision {run.revision_number}. {place} is served by revision {number} now."


def _facts(found: RunDetail, place: str) -> list[tuple[str, ...]]:
    run = found.run
    timeline = draw(found, (), "", clock.now())
    source, glyph = SOURCES[run.source]
    facts: list[tuple[str, ...]] = [("Environment", place), ("Source", source, glyph)]
    if run.origin == "test":
        facts.append(("Origin", "Test", "flask-conical"))
    facts.append(("Active time", duration(timeline.active_ms) if run.started_at else "–"))
    if timeline.waiting_ms:
        facts.append(("Waited", duration(timeline.waiting_ms)))
    facts.append(("Cost", money(run.cost_usd or Decimal(0), not run.is_price_unknown, found.is_cost_estimated)))
    facts.append(("Tokens", f"{count(run.tokens_in)} in, {count(run.tokens_out)} out"))
    facts.append(("Requested by", run.requested_by_name))
    return facts


def _banner(found: RunDetail) -> Banner | None:
    run = found.run
    following = next_of(run)
    if run.state == "waiting" and run.waiting_for == "reconciliation" and following is not None:
        opened = [effect for effect in found.effects if effect.state == "unknown"]
        if len(opened) == 1:
            following = Next(following.text, following.link, f"/reconciliation/{opened[0].key}")
    known = {
        "failed": ("bad", "This run failed"),
        "rejected": ("bad", "This run was not taken"),
        "waiting": ("wait", "This run waits"),
        "cancelled": ("idle", "This run was cancelled"),
        "completed": ("wait", "The end of this answer is missing") if run.code == "answer_cut_off" else None,
    }.get(run.state)
    if run.state == "running" and run.is_cancel_requested:
        return Banner("wait", "This run is being cancelled", run.reason or "Its call in flight is being ended.")
    return Banner(known[0], known[1], run.reason or "", following) if known else None


def _labels(run: RunRow) -> list[tuple[str, str, str]]:
    """Return (text, tone, icon) of what makes this run another thing than real work by a real model."""
    labels: list[tuple[str, str, str]] = []
    if run.is_scripted:
        labels.append(("Scripted model", "note", "clapperboard"))
    if run.mode == "sandbox":
        labels.append(("Sandbox: writes are simulated", "note", "flask-conical"))
    if run.mode == "replay":
        labels.append(("Replay: no tool is touched", "note", "history"))
    if run.mode == "shadow":
        labels.append(("Shadow: nothing is sent", "note", "flask-conical"))
    if run.mode == "evaluation":
        labels.append(("Evaluation: nothing is sent", "note", "flask-conical"))
    if run.is_truncated:
        labels.append(("Input was shortened", "wait", "scissors"))
    return labels


def _page_of(steps: Sequence[StepRow], chosen: str | None) -> int:
    place = next((number for number, step in enumerate(steps) if step.id == chosen), 0)
    return place // STEPS_ON_PAGE + 1


def _cells(output: Any) -> list[Cell]:
    """Return the fields of a structured result, in their order; none when it is not an object of fields."""
    if not isinstance(output, dict):
        return []
    fields = cast("dict[str, Any]", output)
    return [
        Cell(name, value, value is None or isinstance(value, (str, int, float)))
        for name, value in list(fields.items())[:_TABLE_ROWS_MAX]
    ]


def _audit(session: Session, viewer: Principal, run_id: str) -> tuple[Sequence[AuditFacts], str]:
    if not can(viewer, "audit.read"):
        return (), "The audit is for administrators of this workspace. Ask one to look up this run."
    found = audit_page(session, viewer, object_id=run_id, size=200)
    return found.rows, "Only the newest 200 entries are shown." if found.next_cursor else ""
