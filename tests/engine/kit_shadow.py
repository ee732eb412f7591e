"""A release on trial beside what serves."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import func, select, update

from signoff.agents.body import Body
from signoff.deployments.shadowing import begin_shadow
from signoff.deployments.traffic import SHARES
from signoff.kit import clock, ids
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import LiveRevision
from signoff.tables.releases import Release, ShadowPair
from signoff.tables.session import Store
from tests.engine.kit_engine import House

OVER = ("compared", "skipped")


def on_trial(
    store: Store, at: House, *, agent_id: str | None = None, share: int = SHARES, shadow: dict[str, Any] | None = None,
    **changes: Any,
) -> str:  # fmt: skip
    """Let a second revision of the agent, the first with `changes`, try what is answered. Returns the release's id."""
    agent_id, moment = agent_id or at.agent_id, clock.now()
    with store.write() as session:
        live = session.get_one(LiveRevision, (agent_id, at.environment_id))
        first = session.get_one(Revision, live.revision_id)
        body = Body.model_validate({**first.body, **changes})
        second = Revision(
            id=ids.new_id("rev"), workspace_id=at.workspace_id, agent_id=agent_id, number=2, hash=body.hash,
            body=body.plain(), author_id="mem_test", author_name="Test", reason="second", created_at=moment,
        )  # fmt: skip
        session.add(second)
        session.execute(update(Agent).where(Agent.id == agent_id).values(last_revision=2))
        session.flush()
        release = Release(
            id=ids.new_id("rel"), workspace_id=at.workspace_id, agent_id=agent_id, environment_id=at.environment_id,
            revision_id=second.id, previous_revision_id=first.id, state="shadow", state_since=moment,
            strategy={"shadow": shadow or {}}, tier="low", reason="try it", requested_by="mem_test",
            requested_by_name="Test", requested_at=moment,
        )  # fmt: skip
        session.add(release)
        session.flush()
        assert begin_shadow(session, release, share)
        return release.id


def pairs_of(store: Store, release_id: str) -> list[ShadowPair]:
    with store.read() as session:
        return list(session.scalars(select(ShadowPair).where(ShadowPair.release_id == release_id)))


async def over(store: Store, release_id: str, count: int = 1, *, seconds_max: int = 300) -> list[ShadowPair]:
    """Return the pairs once so many are over; the limit is for a test that would hang."""
    async with asyncio.timeout(seconds_max):
        # The engine tells nobody outside of its database. Counted there: to read a thousand pairs with all that differs
        # fifty times a second leaves no time for the runs, which share this process.
        while await store.run(over_count, store, release_id) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return await store.run(pairs_of, store, release_id)


def over_count(store: Store, release_id: str) -> int:
    """How many pairs are over."""
    with store.read() as session:
        return session.scalar(
            select(func.count()).where(ShadowPair.release_id == release_id, ShadowPair.state.in_(OVER))
        ) or 0  # fmt: skip
