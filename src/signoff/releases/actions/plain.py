"""At once and whole, for callers who want an answer now; and refusals that are raised once their row is kept."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.deployments.actions import environment_for
from signoff.deployments.queries import live_revision
from signoff.kit.errors import Refusal
from signoff.people.access import Principal
from signoff.releases.actions.opening import refusal_of
from signoff.releases.actions.promoting import promote_revision
from signoff.releases.actions.request import AS_IT_IS, AsItIs, request_release
from signoff.releases.actions.rollback import roll_back
from signoff.releases.strategy import PLAIN
from signoff.tables.deployments import Deployment
from signoff.tables.session import Store


def make_live(
    session: Session,
    principal: Principal,
    agent_id: str,
    *,
    environment: str,
    revision: int | str,
    reason: str,
    expected: str | AsItIs | None = AS_IT_IS,
) -> str:
    """Let a revision serve an environment (slug or id) from now on; return the deployment's id. Going back is the same.

    A plain release through the gate. Runs that have begun keep the revision they began with.

    Args:
        expected: the revision id that served when the caller looked (None: none did). Edges call `switch_live`, which
            keeps the row of an attempt that fails; here it goes with the transaction.

    Raises:
        AlreadyLive: it serves already.
        GateMissing: in production, it could do what cannot be undone with nobody asked.
        GateNotMet, ReviewersNeeded: it lacks evidence, or its tier wants signatures.
        MemoryScopeFixed: production has run with memory of another scope.
        LiveChanged: somebody switched since the caller looked.
        ReleaseUnderWay: another release of the agent is under way there.
        NotFound: there is no such agent, revision or environment here.
    """
    made = try_live(
        session, principal, agent_id, environment=environment, revision=revision, reason=reason, expected=expected
    )
    if isinstance(made, Refusal):
        raise made
    return made


def try_live(
    session: Session,
    principal: Principal,
    agent_id: str,
    *,
    environment: str,
    revision: int | str,
    reason: str,
    expected: str | AsItIs | None = AS_IT_IS,
) -> str | Refusal:
    """As `make_live`, but return a refusal whose row is to be kept, for the edge to raise once it is."""
    release_id = request_release(
        session, principal, agent_id, environment=environment, revision=revision, strategy=PLAIN, reason=reason,
        expected=expected, waits=False,
    )  # fmt: skip
    return (
        refusal_of(session, release_id)
        or session.scalars(select(Deployment.id).where(Deployment.release_id == release_id)).one()
    )


def switch_live(
    store: Store,
    principal: Principal,
    agent_id: str,
    *,
    environment: str,
    revision: int | str,
    reason: str,
) -> str:
    """`make_live` for the edges: looks first, then switches only from what was seen.

    So of two callers at the same moment one wins on either database, also where writers queue.
    """
    seen = _seen(store, principal, agent_id, environment)
    with store.write() as session:
        made = try_live(
            session, principal, agent_id, environment=environment, revision=revision, reason=reason, expected=seen
        )
    if isinstance(made, Refusal):
        raise made
    return made


def ship(store: Store, principal: Principal, agent_id: str, *, environment: str, **asked: Any) -> str:
    """`request_release` for the edges: looks first, unless the caller says what they saw; an attempt that is refused is
    kept, then told.

    Raises: what the release was refused for.
    """
    if "expected" not in asked:
        asked["expected"] = _seen(store, principal, agent_id, environment)
    with store.write() as session:
        release_id = request_release(session, principal, agent_id, environment=environment, **asked)
    return _or_refusal(store, release_id)


def promote(store: Store, principal: Principal, agent_id: str, *, to: str, **asked: Any) -> str:
    """`promote_revision` for the edges: looks first; an attempt that the gate refuses is kept, then told."""
    seen = _seen(store, principal, agent_id, to)
    with store.write() as session:
        release_id = promote_revision(session, principal, agent_id, to=to, expected=seen, **asked)
    return _or_refusal(store, release_id)


def roll_back_now(store: Store, principal: Principal, agent_id: str, *, environment: str, **asked: Any) -> str:
    """`roll_back` for the edges: of two at once, one goes back, and the other is told that it is done."""
    seen = _seen(store, principal, agent_id, environment)
    with store.write() as session:
        release_id = roll_back(session, principal, agent_id, environment=environment, expected=seen, **asked)
    return _or_refusal(store, release_id)


def _seen(store: Store, principal: Principal, agent_id: str, environment: str) -> str | None:
    with store.read() as session:
        agent = agent_for(session, principal, agent_id, "agent.deploy")
        return live_revision(session, agent.id, environment_for(session, principal, environment).id)


def _or_refusal(store: Store, release_id: str) -> str:
    with store.read() as session:
        refusal = refusal_of(session, release_id)
    if refusal is not None:
        refusal.extra["release"] = release_id
        raise refusal
    return release_id
