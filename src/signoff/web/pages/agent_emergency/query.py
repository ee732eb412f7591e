"""What the emergency page shows: the three stops, the ways back, the connections to cut, and who answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from signoff.agents.ownership import OwnerFacts, ownership_of
from signoff.agents.queries import may_with_agent, revision, revision_body
from signoff.connections.catalog import CatalogConnection, catalog
from signoff.deployments.queries import deployments_page
from signoff.incidents.queries import under_way
from signoff.incidents.views import IncidentFacts
from signoff.people.access import Principal, can
from signoff.releases.actions.reverting import proposed
from signoff.releases.drill_schedule import DrillPlan, drill_plans
from signoff.releases.queries import OpenRelease, open_by_agent
from signoff.watch.queries import AlertRow, open_alerts
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.agent_stops import Stops, load_stops

_ALERTS_SHOWN = 5
_SWITCHES_READ = 50


@dataclass(frozen=True, slots=True)
class WayBack:
    """What serves in one environment, and what one goes back to there.

    Args:
        before: None: nothing served before, or nothing that was not itself gone back from (`was_bad`).
        trial: a release there that gets a share, or tries what was asked; it can be taken away.
    """

    environment: str
    is_production: bool
    number: int
    revision_id: str
    since: datetime
    before: int | None
    by_name: str
    reason: str
    drills: DrillPlan
    was_bad: bool = False
    trial: OpenRelease | None = None


@dataclass(frozen=True, slots=True)
class EmergencyView:
    """The page."""

    head: AgentHead
    stops: Stops
    ways: tuple[WayBack, ...]
    connections: tuple[CatalogConnection, ...]
    may_cut: bool
    owners: tuple[OwnerFacts, ...]
    gaps: tuple[str, ...]
    alerts: tuple[AlertRow, ...]
    incidents: tuple[IncidentFacts, ...]
    may_declare: bool
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


def load(session: Session, viewer: Principal, slug: str, *, problem: str = "") -> EmergencyView:
    """Return the view.

    Raises:
        NotFound: this workspace has no agent of that slug.
    """
    head = agent_head(session, viewer, slug, "emergency")
    answering = ownership_of(session, viewer, slug)
    alerts = open_alerts(session, viewer, agent=slug) if can(viewer, "alert.read") else []
    return EmergencyView(
        head=head,
        stops=load_stops(session, viewer, head),
        ways=tuple(_ways(session, viewer, head)),
        connections=tuple(_connections(session, viewer, head)),
        may_cut=can(viewer, "connection.manage"),
        owners=answering.owners,
        gaps=answering.gaps,
        alerts=tuple(alerts[:_ALERTS_SHOWN]),
        incidents=tuple(under_way(session, viewer, agent=slug)) if can(viewer, "alert.read") else (),
        may_declare=may_with_agent(session, viewer, head.agent.id, "incident.declare"),
        problem=problem,
    )


def _ways(session: Session, viewer: Principal, head: AgentHead) -> list[WayBack]:
    switches = deployments_page(session, viewer, head.agent.slug, size=_SWITCHES_READ).rows
    plans = drill_plans(session, viewer, head.agent.slug)
    on_trial = open_by_agent(session, viewer, [head.agent.id])
    found: list[WayBack] = []
    for live in reversed(head.live):
        last = next((one for one in switches if one.environment_id == live.environment_id), None)
        back = proposed(session, head.agent.id, live.environment_id, live.revision_id)
        trial = on_trial.get((head.agent.id, live.environment_id))
        before = revision(session, viewer, head.agent.slug, back).facts.number if back else None
        found.append(
            WayBack(
                environment=live.environment, is_production=live.is_production, number=live.revision_number,
                revision_id=live.revision_id, since=live.changed_at,
                before=before, by_name=last.actor_name if last else "",
                reason=last.reason if last else "", drills=plans.get(live.environment, DrillPlan(None, None)),
                was_bad=back is None and last is not None and last.previous_number is not None,
                trial=trial if trial is not None and trial.state in ("canary", "shadow") else None,
            )
        )  # fmt: skip
    return found


def _connections(session: Session, viewer: Principal, head: AgentHead) -> list[CatalogConnection]:
    """Return the connections that what serves calls, production first."""
    if not can(viewer, "connection.read") or not head.live:
        return []
    slots = {slot.slot for one in head.live for slot in revision_body(session, one.revision_id).tools}
    if not slots:
        return []
    places = [place for rows in catalog(session, viewer, slots=slots).values() for place in rows]
    return sorted(places, key=lambda one: (not one.is_production, one.slug))
