"""What the overview of an agent shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.calling import Called, Calling, called_by, calls_of
from signoff.agents.queries import draft_of, revision_body
from signoff.budgets.defaults import Defaults
from signoff.budgets.overview import LimitLine, limit_lines
from signoff.connections.catalog import CatalogConnection, CatalogTool, catalog, gravest
from signoff.kit import clock
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal, can
from signoff.people.facts import EnvironmentFacts
from signoff.people.queries import environments, members
from signoff.runs.by_agent import AgentTotals, totals_of
from signoff.runs.filters import RunFilter
from signoff.runs.queries import median_duration, runs_page
from signoff.runs.views import RunRow
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.agent_stops import Stops, load_stops
from signoff.web.agent_words import bound_in_words, limits_in_words
from signoff.web.forms import Form
from signoff.web.rule_words import rules_in_words

RUNS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Serving:
    """One environment: the revision that serves there, or none."""

    environment: EnvironmentFacts
    number: int | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Grip:
    """A tool it may use that changes something, with its bounds in words."""

    name: str
    effect: str
    bound: str


@dataclass(frozen=True, slots=True)
class SlotHealth:
    """One slot: its connection in each environment, or the environments that lack one."""

    slug: str
    places: tuple[CatalogConnection, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OverviewView:
    """The page. `basis` names the text the words are about; `body` None: there is no valid one yet."""

    head: AgentHead
    serving: tuple[Serving, ...]
    basis: str
    model: str
    limits: tuple[str, ...]
    rules: tuple[str, ...]
    grips: tuple[Grip, ...]
    slots: tuple[SlotHealth, ...]
    runs: tuple[RunRow, ...] | None
    today: AgentTotals | None
    week: AgentTotals | None
    median_ms: float | None
    spending: tuple[LimitLine, ...]
    stops: Stops
    people: tuple[tuple[str, str], ...]
    calls: tuple[Called, ...]
    called_by: tuple[Calling, ...]
    form: Form
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    *,
    today: datetime,
    defaults: Defaults,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> OverviewView:
    """Return the view; `form` and `errors` are those of the dialog that was refused."""
    head = agent_head(session, viewer, slug, "overview")
    agent = head.agent
    places = environments(session, viewer)
    basis, body = _body(session, viewer, head)
    known = catalog(session, viewer, slots=[slot.slot for slot in body.tools]) if body else {}
    may_see_runs = can(viewer, "run.read")
    week = clock.now() - timedelta(days=7)
    seconds = median_duration(session, viewer, agent.id, since=week) if may_see_runs else None
    return OverviewView(
        head=head,
        serving=tuple(_serving(place, head) for place in places),
        basis=basis,
        model=body.model.name if body else "",
        limits=tuple(limits_in_words(body)) if body else (),
        rules=tuple(rules_in_words(body)) if body else (),
        grips=tuple(_grips(body, known)) if body else (),
        slots=tuple(_health(slot.slot, known.get(slot.slot, []), places) for slot in body.tools) if body else (),
        runs=_recent(session, viewer, agent.id) if may_see_runs else None,
        today=totals_of(session, viewer, agent.id, since=today) if may_see_runs else None,
        week=totals_of(session, viewer, agent.id, since=week) if may_see_runs else None,
        median_ms=None if seconds is None else seconds * 1000,
        spending=tuple(limit_lines(session, viewer, defaults, agent=agent.id)) if can(viewer, "budget.read") else (),
        stops=load_stops(session, viewer, head),
        people=_people(session, viewer) if head.may_edit else (),
        calls=tuple(calls_of(session, viewer, body.sub_agents)) if body else (),
        called_by=tuple(called_by(session, viewer, agent.slug)),
        form=form or _filled(head),
        problem=problem,
        errors=errors or {},
    )


def _recent(session: Session, viewer: Principal, agent_id: str) -> tuple[RunRow, ...]:
    return tuple(runs_page(session, viewer, RunFilter(agent=agent_id), size=RUNS_SHOWN).rows)


def _body(session: Session, viewer: Principal, head: AgentHead) -> tuple[str, Body | None]:
    """Return what serves (production before the rest); before the first freeze, the draft when it is whole."""
    if head.live:
        best = next((one for one in head.live if one.is_production), head.live[-1])
        return f"revision {best.revision_number}", revision_body(session, best.revision_id)
    try:
        return "the draft", Body.model_validate(draft_of(session, viewer, head.agent.slug).body)
    except ValidationError:
        return "the draft", None


def _serving(place: EnvironmentFacts, head: AgentHead) -> Serving:
    found = next((one for one in head.live if one.environment_id == place.id), None)
    return Serving(place, found.revision_number if found else None, found.changed_at if found else None)


def _grips(body: Body, known: Mapping[str, Sequence[CatalogConnection]]) -> list[Grip]:
    found: list[Grip] = []
    for slot in body.tools:
        for tool in slot.allow:
            offered: list[CatalogTool] = [
                place.tools[tool.tool] for place in known.get(slot.slot, ()) if tool.tool in place.tools
            ]
            effect = tool.effect or gravest([one.effect for one in offered])
            if effect != "read":
                found.append(Grip(f"{slot.slot}.{tool.tool}", effect, bound_in_words(tool)))
    return found


def _health(slug: str, places: Sequence[CatalogConnection], every: Sequence[EnvironmentFacts]) -> SlotHealth:
    there = {place.environment for place in places}
    return SlotHealth(slug, tuple(places), tuple(place.name for place in every if place.slug not in there))


def _people(session: Session, viewer: Principal) -> tuple[tuple[str, str], ...]:
    if not can(viewer, "member.read"):
        return ((viewer.id, viewer.name),)
    everyone = members(session, viewer, size=PAGE_SIZE_MAX).rows
    return tuple(sorted(((one.id, one.name) for one in everyone), key=lambda pair: pair[1].casefold()))


def _filled(head: AgentHead) -> Form:
    agent = head.agent
    values = {
        "name": agent.name,
        "description": agent.description,
        "tags": ", ".join(agent.tags),
        "owner": agent.owner.member_id if agent.owner else "",
        "backup": agent.backup.member_id if agent.backup else "",
    }
    return Form({name: (text,) for name, text in values.items()})
