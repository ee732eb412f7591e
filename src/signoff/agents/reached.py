"""Every agent that a revision may come to call, itself or through another, with the revision that is meant now.

Each name is looked up once, level by level, so that agents that call in a circle come to an end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.callees import NUMBER_CHARS
from signoff.agents.revisions import revision_body
from signoff.agents.sub_agents import LIVE
from signoff.kit.errors import StoreError
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import LiveRevision

# As deep as any revision allows, see `limits.sub_agent_depth`.
_LEVELS = 10
# Of a web of agents so many names are followed at a level; a wider one is told at run time.
_NAMES_MAX = 500

# Workspace, environment, the agent's slug, the revision as it is named.
Named = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Reached:
    """The revision behind a name. `body` is None when its content is damaged."""

    agent_id: str
    slug: str
    number: int
    hash: str
    body: Body | None


def reached(session: Session, wanted: Sequence[tuple[str, str, Body]]) -> Mapping[Named, Reached | None]:
    """Return what stands behind each name in these bodies and in whatever those call; None where nothing does.

    Args:
        wanted: bodies, each with its workspace and its environment.
    """
    found: dict[Named, Reached | None] = {}
    level = _named(wanted)
    for _ in range(_LEVELS):
        fresh = sorted(level - found.keys())[:_NAMES_MAX]
        if not fresh:
            break
        met = _looked_up(session, fresh)
        found |= met
        level = _named((name[0], name[1], one.body) for name, one in met.items() if one and one.body)
    return found


def _named(bodies: Iterable[tuple[str, str, Body]]) -> set[Named]:
    return {(workspace, place, one.agent, one.revision) for workspace, place, body in bodies for one in body.sub_agents}


def _looked_up(session: Session, names: Sequence[Named]) -> dict[Named, Reached | None]:
    agents = {
        (row.workspace_id, row.slug): row.id
        for row in session.execute(
            select(Agent.workspace_id, Agent.slug, Agent.id).where(
                Agent.workspace_id.in_({name[0] for name in names}), Agent.slug.in_({name[2] for name in names})
            )
        )
    }
    serving, pinned = _serving(session, names, agents.values()), _pinned(session, names, agents.values())
    found: dict[Named, Reached | None] = {}
    for name in names:
        workspace, place, slug, revision = name
        agent_id = agents.get((workspace, slug), "")
        row = serving.get((agent_id, place)) if revision == LIVE else pinned.get((agent_id, revision))
        found[name] = Reached(agent_id, slug, row.number, row.hash, _body(session, row.id)) if row else None
    return found


def _serving(session: Session, names: Sequence[Named], agents: Iterable[str]) -> dict[tuple[str, str], Revision]:
    places = {name[1] for name in names if name[3] == LIVE}
    if not places:
        return {}
    rows = session.execute(
        select(LiveRevision.environment_id, Revision)
        .join(Revision, Revision.id == LiveRevision.revision_id)
        .where(LiveRevision.agent_id.in_(set(agents)), LiveRevision.environment_id.in_(places))
    )
    return {(row.Revision.agent_id, row.environment_id): row.Revision for row in rows}


def _pinned(session: Session, names: Sequence[Named], agents: Iterable[str]) -> dict[tuple[str, str], Revision]:
    """Return what a number or a hash means. Of several revisions with the same content the first is meant."""
    refs = {name[3] for name in names} - {LIVE}
    numbers = {int(ref) for ref in refs if len(ref) <= NUMBER_CHARS}
    if not refs:
        return {}
    rows = session.scalars(
        select(Revision)
        .where(
            Revision.agent_id.in_(set(agents)),
            Revision.number > 0,
            or_(Revision.number.in_(numbers), Revision.hash.in_(refs)),
        )
        .order_by(Revision.number.desc())
    )
    found: dict[tuple[str, str], Revision] = {}
    for row in rows:
        found[(row.agent_id, str(row.number))] = row
        found[(row.agent_id, row.hash)] = row
    return found


def _body(session: Session, revision_id: str) -> Body | None:
    with suppress(StoreError):
        return revision_body(session, revision_id)
    return None
