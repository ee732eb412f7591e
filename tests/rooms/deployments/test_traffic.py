"""Which revision a new run gets while a canary is under way."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from signoff.deployments.bucket import bucket
from signoff.deployments.traffic import SHARES, route
from signoff.people.access import Principal
from signoff.runs.actions import request_run
from signoff.tables.deployments import LiveRevision
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import agent, person, place
from tests.rooms.deployments.test_live import frozen


def started(session: Session, who: Principal, agent_id: str, **more: Any) -> Run:
    asked = request_run(session, who, agent=agent_id, input={}, **more)
    return session.get_one(Run, asked.id)


def test_a_key_stays_with_the_candidate_while_its_share_grows():
    keys = [f"customer-{number}" for number in range(2_000)]
    earlier: set[str] = set()
    for share in (500, 2_500, SHARES):
        now = {key for key in keys if bucket("salt", key) < share}
        assert earlier <= now
        earlier = now
    assert earlier == set(keys)
    assert {key for key in keys if bucket("other salt", key) < 500} != {k for k in keys if bucket("salt", k) < 500}


def test_runs_are_routed_by_key_cohort_and_pin(store: Store):
    at = place(store)
    ann = person(store, at, "Ann")
    agent_id = agent(store, ann)
    first, second = frozen(store, ann, agent_id, 2)
    production = at.environments["production"]
    with store.write() as session:
        plain = started(session, ann, agent_id)
        assert (plain.revision_id, plain.variant, plain.release_id) == (first, "live", None)
        session.execute(
            update(LiveRevision)
            .where(LiveRevision.environment_id == production)
            .values(
                candidate_revision_id=second, candidate_release_id="rel_1", salt="s", share=5_000, cohort=["friends"]
            )
        )
        for number in range(40):
            key = f"case-{number}"
            run = started(session, ann, agent_id, sticky_key=key)
            wanted = (second, "candidate", "rel_1") if bucket("s", key) < 5_000 else (first, "live", None)
            assert (run.revision_id, run.variant, run.release_id) == wanted
        friend = started(session, ann, agent_id, sticky_key="friends")
        assert friend.variant == "candidate"
        pinned = started(session, ann, agent_id, sticky_key="friends", revision=1)
        assert (pinned.revision_id, pinned.variant) == (first, "pinned")
        elsewhere = started(session, ann, agent_id, sticky_key="friends", environment="staging")
        assert (elsewhere.revision_id, elsewhere.variant) == (first, "live")
        assert route(session, "agt_none", production, "x") is None
