"""An agent with some revisions, people to release them, and a gate that says what a test wants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.actions import save_draft
from signoff.deployments.actions import freeze_and_serve_first
from signoff.deployments.queries import live_revision
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.releases import gate
from signoff.releases.actions import advance, refusal_of, request_release
from signoff.releases.findings import NOTHING, Findings
from signoff.releases.queries import release
from signoff.releases.strategy import Strategy, read_strategy
from signoff.releases.views import ReleaseDetail
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment
from signoff.tables.releases import Release
from signoff.tables.session import Store
from signoff.watch.probes.evidence import Evidence, ProbeResult, Tier
from tests.rooms.agents.kit_agents import Place, agent, body, person, place

CANARY = {
    "canary": {"steps": [{"share_percent": 5, "minutes": 10, "min_runs": 3}, {"share_percent": 25, "minutes": 10}]}
}
SHADOW = {"shadow": {"days": 5, "sample_percent": 50}}


@dataclass(frozen=True)
class World:
    """A workspace with three owners and one agent whose first revision serves everywhere."""

    store: Store
    at: Place
    ann: Principal
    bob: Principal
    cat: Principal
    agent_id: str
    revisions: tuple[str, ...]

    def live(self, environment: str = "production") -> int:
        """Return the number of what serves."""
        with self.store.read() as session:
            found = live_revision(session, self.agent_id, self.at.environments[environment])
            return session.get_one(Revision, found).number

    def row(self, environment: str = "production") -> LiveRevision:
        """Return the row of what serves."""
        with self.store.read() as session:
            return session.get_one(LiveRevision, (self.agent_id, self.at.environments[environment]))

    def ask(self, revision: int = 2, way: dict[str, Any] | None = None, **more: Any) -> str:
        """Ann asks for a release; return its id."""
        values: dict[str, Any] = {"environment": "production", "reason": "better", **more}
        strategy: Strategy | None = read_strategy(way) if way is not None else Strategy()
        who = values.pop("who", self.ann)
        with self.store.write() as session:
            return request_release(session, who, self.agent_id, revision=revision, strategy=strategy, **values)

    def detail(self, release_id: str) -> ReleaseDetail:
        """Return a release whole, as Ann sees it."""
        with self.store.read() as session:
            return release(session, self.ann, release_id)

    def state(self, release_id: str) -> str:
        """Return the state of a release."""
        return self.detail(release_id).facts.state

    def code(self, release_id: str) -> str | None:
        """Return the code of a refused release."""
        with self.store.read() as session:
            refusal = refusal_of(session, release_id)
        return refusal.code if refusal else None

    def kinds(self, release_id: str) -> list[str]:
        """Return the timeline of a release."""
        return [event.kind for event in self.detail(release_id).timeline]

    def advance(self, release_id: str, now: datetime, findings: Findings = NOTHING) -> bool:
        """Let the engine look at a release at a moment."""
        with self.store.write() as session:
            return advance(session, release_id, now=now, findings=findings)

    def backdate(self, release_id: str, **values: Any) -> None:
        """Change when a release did something: time passes as data."""
        with self.store.write() as session:
            session.execute(update(Release).where(Release.id == release_id).values(**values))

    def count(self) -> int:
        """Return how many releases there are."""
        with self.store.read() as session:
            return len(session.scalars(select(Release.id)).all())


def world(store: Store, revisions: int = 4, **changes: Any) -> World:
    """Make one."""
    at = place(store)
    ann, bob, cat = person(store, at, "Ann"), person(store, at, "Bob"), person(store, at, "Cat")
    agent_id = agent(store, ann, **changes)
    found: list[str] = []
    for number in range(1, revisions + 1):
        with store.write() as session:
            if number > 1:
                save_draft(session, ann, agent_id, body=body(sop=f"Edit {number}.", **changes), version=number - 1)
            found.append(freeze_and_serve_first(session, ann, agent_id, reason=f"number {number}").id)
    return World(store, at, ann, bob, cat, agent_id, tuple(found))


BLOCKER = ProbeResult(
    probe="tests", title="Testing is signed off", group="testing", source="checklist", severity="block",
    status="missing", measured="0 of 3 runs", wanted="3 completed test runs", fix="Run it three times as a test.",
)  # fmt: skip


class Says:
    """A gate that says what a test wants: a tier, and what is missing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tier: Tier = "low", *results: ProbeResult) -> None:
        self.tier: Tier = tier
        self.results = results
        self.asked = 0
        monkeypatch.setattr(gate, "evidence_for", self._answer)

    def _answer(
        self, session: Session, agent: Agent, place: Environment, target: Revision, *, now: datetime | None = None
    ) -> Evidence:
        self.asked += 1
        return Evidence(self.tier, self.results, "0" * 64, now or clock.now())

    def met(self) -> None:
        """Say from now on that all is met."""
        self.results = tuple(replace(one, status="true") for one in self.results)
