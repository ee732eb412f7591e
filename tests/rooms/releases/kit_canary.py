"""A canary under way, and traffic for it: runs that ended, with their facts, at moments a test chooses."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from signoff.deployments.traffic import bucket
from signoff.people.access import Principal
from signoff.releases.actions import request_release
from signoff.releases.strategy import read_strategy
from signoff.tables.deployments import LiveRevision
from signoff.tables.releases import Release
from signoff.tables.session import Store
from signoff.tables.signals import Signal
from tests.engine.kit_engine import House
from tests.rooms.agents.kit_agents import agent, person, place
from tests.rooms.deployments.test_live import frozen
from tests.rooms.runs.kit_runs import run_row

MINUTE = timedelta(minutes=1)


@dataclass
class Canary:
    """An agent with two revisions, the second on its way into production."""

    store: Store
    ann: Principal
    at: House
    revisions: list[str]
    release_id: str
    began: datetime
    number: int = 0

    def release(self) -> Release:
        with self.store.read() as session:
            return session.get_one(Release, self.release_id)

    def row(self) -> LiveRevision:
        with self.store.read() as session:
            return session.get_one(LiveRevision, (self.at.agent_id, self.at.environment_id))

    def traffic(self, minute: int, runs: int, *, live: float, candidate: float, seed: int = 7, **facts: Any) -> None:
        """Runs that are asked for and end in one minute; so large a part of each variant fails."""
        chance = random.Random(f"{seed}:{minute}")
        with self.store.write() as session:
            row = session.get_one(LiveRevision, (self.at.agent_id, self.at.environment_id))
            for _ in range(runs):
                self.number += 1
                key = f"customer-{self.number}"
                is_candidate = row.candidate_release_id is not None and bucket(row.salt or "", key) < row.share
                is_error = chance.random() < (candidate if is_candidate else live)
                moment = self.began + minute * MINUTE + timedelta(seconds=chance.uniform(1, 58))
                seconds = chance.lognormvariate(2.0, 0.5)
                self.ended(
                    session, moment, row.candidate_revision_id if is_candidate else row.revision_id,
                    "candidate" if is_candidate else "live",
                    row.candidate_release_id if is_candidate else row.release_id, key=key, is_error=is_error,
                    duration_seconds=seconds, **facts,
                )  # fmt: skip

    def ended(
        self, session: Session, moment: datetime, revision_id: str | None, variant: str, release_id: str | None, *,
        key: str | None = None, **facts: Any,
    ) -> str:  # fmt: skip
        """One run and its facts."""
        self.number += 1
        status = "failed" if facts.get("is_error") else "completed"
        given = {"origin": "production", "mode": "live", **{k: facts[k] for k in ("origin", "mode") if k in facts}}
        run = run_row(
            self.at, self.number, moment=moment, revision_id=revision_id, state=status, started_at=moment,
            ended_at=moment, variant=variant, release_id=release_id, sticky_key=key, **given,
        )  # fmt: skip
        session.add(run)
        session.flush()
        values: dict[str, Any] = {
            "run_id": run.id, "workspace_id": self.at.workspace_id, "agent_id": self.at.agent_id,
            "environment_id": self.at.environment_id, "revision_id": revision_id, "release_id": release_id,
            "variant": variant, "source": "api", "origin": "production", "mode": "live", "status": status,
            "is_error": False, "needed_input": False, "cost_usd": Decimal("0.01"), "tokens": 100,
            "duration_seconds": 4.0, "tool_calls": 2, "approvals_asked": 0, "approvals_denied": 0,
            "ended_at": moment, **facts,
        }  # fmt: skip
        session.add(Signal(**values))
        session.flush()
        return run.id


def begun(store: Store, way: dict[str, Any], *, revisions: int = 2) -> Canary:
    """Ask for a release of the second revision by a way; the first serves."""
    here = place(store)
    ann = person(store, here, "Ann")
    agent_id = agent(store, ann)
    found = frozen(store, ann, agent_id, revisions)
    with store.write() as session:
        made = request_release(
            session, ann, agent_id, environment="production", revision=2, strategy=read_strategy(way), reason="Try it."
        )
        release = session.get_one(Release, made)
        began = release.step_since or release.live_at
    assert began is not None
    at = House(here.workspace_id, agent_id, "", here.environments["production"])
    return Canary(store, ann, at, found, made, began)
