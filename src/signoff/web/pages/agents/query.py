"""What the list of agents shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.agents.queries import agents_page
from signoff.agents.states import AgentState
from signoff.agents.tags import tags_in_use
from signoff.agents.views import AgentFacts
from signoff.deployments.queries import live_revisions
from signoff.deployments.views import LiveFacts
from signoff.people.access import Principal, can
from signoff.people.facts import EnvironmentFacts
from signoff.people.queries import environments
from signoff.runs.by_agent import NO_RUNS, AgentRuns, figures_by_agent

Tone = Literal["ok", "wait", "bad", "note", "idle"]


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a person would do now. `path` lies below the workspace."""

    text: str
    path: str
    tone: Tone = "idle"


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent of the list."""

    agent: AgentFacts
    live: tuple[LiveFacts, ...]
    runs: AgentRuns
    next_step: NextStep | None


@dataclass(frozen=True, slots=True)
class AgentsView:
    """The list and its filters. `older` and `newer` are addresses below the workspace."""

    rows: tuple[AgentRow, ...]
    q: str
    tag: str
    state: str
    tags: tuple[str, ...]
    newer: str | None
    older: str | None
    is_filtered: bool
    may_create: bool
    may_see_runs: bool
    address: str

    @property
    def tag_options(self) -> list[tuple[str, str]]:
        """Return the tags as a filter offers them; the one chosen is there even when nobody uses it any more."""
        return [(tag, tag) for tag in sorted({*self.tags, self.tag} - {""})]


def load(
    session: Session,
    viewer: Principal,
    *,
    today: datetime,
    q: str = "",
    tag: str = "",
    state: str = "",
    cursor: str | None = None,
) -> AgentsView:
    """Return one page of the list.

    Args:
        today: since when "today" counts.
        state: active or disabled; anything else shows both.
    """
    wanted: AgentState | None = "active" if state == "active" else "disabled" if state == "disabled" else None
    page = agents_page(session, viewer, q=q, tag=tag or None, state=wanted, cursor=cursor)
    ids = [agent.id for agent in page.rows]
    live = live_revisions(session, viewer, ids)
    may_see_runs = can(viewer, "run.read")
    runs = figures_by_agent(session, viewer, ids, since=today) if may_see_runs else {}
    places = environments(session, viewer)
    chosen = {"q": q.strip(), "tag": tag, "state": wanted or ""}
    rows = [
        _row(viewer, agent, tuple(live[agent.id]), runs.get(agent.id, NO_RUNS), places, may_see_runs)
        for agent in page.rows
    ]
    return AgentsView(
        rows=tuple(rows),
        q=chosen["q"],
        tag=tag,
        state=chosen["state"],
        tags=tuple(tags_in_use(session, viewer)),
        newer=_address({**chosen, "cursor": page.previous_cursor or ""}) if page.previous_cursor else None,
        older=_address({**chosen, "cursor": page.next_cursor or ""}) if page.next_cursor else None,
        is_filtered=any(chosen.values()),
        may_create=can(viewer, "agent.create"),
        may_see_runs=may_see_runs,
        address=_address(chosen),
    )


def _address(parameters: dict[str, str]) -> str:
    said = {name: value for name, value in parameters.items() if value}
    return "/agents" + (f"?{urlencode(said)}" if said else "")


def _row(
    viewer: Principal,
    agent: AgentFacts,
    live: tuple[LiveFacts, ...],
    runs: AgentRuns,
    places: list[EnvironmentFacts],
    may_see_runs: bool,
) -> AgentRow:
    owners = tuple(person.member_id for person in (agent.owner, agent.backup) if person) or (None,)
    may_edit = can(viewer, "agent.edit", owners=owners, agent_id=agent.id)
    may_run = can(viewer, "run.start", owners=owners, agent_id=agent.id)
    return AgentRow(agent, live, runs, _next_step(agent, live, runs, places, may_edit, may_run and may_see_runs))


def _next_step(
    agent: AgentFacts,
    live: tuple[LiveFacts, ...],
    runs: AgentRuns,
    places: list[EnvironmentFacts],
    may_edit: bool,
    may_run: bool,
) -> NextStep | None:
    """Return the one thing that matters most; None when all is well, or it is not for this viewer to do."""
    path = f"/agents/{agent.slug}"
    if runs.needing_attention:
        count = runs.needing_attention
        words = "1 run needs a look" if count == 1 else f"{count:,} runs need a look"
        return NextStep(words, f"/runs?agent={agent.slug}&needs_attention=yes", "wait")
    if agent.state == "disabled":
        return NextStep("Enable it to take runs", path) if may_edit else None
    if agent.last_revision == 0:
        return NextStep("Write its SOP and freeze it", f"{path}/edit", "note") if may_edit else None
    missing = [place.name for place in places if place.id not in {one.environment_id for one in live}]
    if missing and may_edit:
        return NextStep(f"Nothing serves {missing[0]} yet", f"{path}/revisions", "wait")
    if agent.has_unfrozen_edits and may_edit:
        return NextStep("Freeze the draft", f"{path}/edit", "note")
    if runs.last is None and may_run:
        return NextStep("Run it once", f"{path}/run", "note")
    return None
