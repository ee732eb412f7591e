"""Which agents name a connection."""

from __future__ import annotations

from typing import Any

from signoff.connections.queries import used_by
from signoff.kit import clock
from signoff.tables.agents import Agent, Draft, Revision
from signoff.tables.deployments import LiveRevision
from signoff.tables.session import Store
from tests.rooms.connections import kit_connections as kit


def agent(
    session: Any, place: kit.Place, slug: str, draft: list[str], live: list[str] | None, environment: str
) -> None:
    moment, workspace_id = clock.now(), place.owner.workspace_id
    body = {
        "sop": 'The slot "slot": "erp" is only mentioned here.',
        "tools": [{"slot": slot, "allow": []} for slot in draft],
    }
    session.add(Agent(id=f"agt_{slug}", workspace_id=workspace_id, slug=slug, name=slug, tags=[], created_at=moment))
    session.flush()
    session.add(
        Draft(
            agent_id=f"agt_{slug}",
            workspace_id=workspace_id,
            version=1,
            body=body,
            updated_by="x",
            updated_by_name="x",
            updated_at=moment,
        )
    )
    if live is not None:
        session.add(
            Revision(
                id=f"rev_{slug}",
                workspace_id=workspace_id,
                agent_id=f"agt_{slug}",
                number=1,
                hash="h",
                body={**body, "tools": [{"slot": slot, "allow": []} for slot in live]},
                author_id="x",
                author_name="x",
                reason="",
                created_at=moment,
            )
        )
        session.flush()
        session.add(
            LiveRevision(
                agent_id=f"agt_{slug}",
                environment_id=environment,
                workspace_id=workspace_id,
                revision_id=f"rev_{slug}",
                changed_at=moment,
            )
        )
    session.flush()


def test_drafts_and_what_serves_here_count(store: Store, acme: kit.Place, erp: str) -> None:
    with store.write() as session:
        agent(session, acme, "both", ["mail", "erp"], ["erp"], acme.production)
        agent(session, acme, "draft", ["erp"], ["erp"], acme.staging)
        agent(session, acme, "live", [], ["erp"], acme.production)
        agent(session, acme, "neither", ["erp-two", "my-erp"], ["mail"], acme.production)
    with store.read() as session:
        found = used_by(session, acme.owner, erp)
        assert [(use.slug, use.in_draft, use.in_live) for use in found] == [
            ("both", True, True),
            ("draft", True, False),
            ("live", False, True),
        ]


def test_nobody_uses_a_new_one(store: Store, acme: kit.Place, erp: str) -> None:
    with store.read() as session:
        assert used_by(session, acme.viewer, erp) == ()


def test_they_are_told_by_name(store: Store, acme: kit.Place, erp: str) -> None:
    with store.write() as session:
        for slug in ("b", "a"):
            agent(session, acme, slug, ["erp"], None, acme.production)
    with store.read() as session:
        assert [use.slug for use in used_by(session, acme.owner, erp)] == ["a", "b"]
