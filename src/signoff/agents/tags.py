"""The tags a workspace uses, for the filter of its list."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.people.access import Principal, authorize
from signoff.people.visible import visible_agents
from signoff.tables.agents import Agent

_AGENTS_READ = 2_000
TAGS_SHOWN = 50


def tags_in_use(session: Session, viewer: Principal) -> list[str]:
    """Return the most used tags of the newest agents, by name; at most 50."""
    authorize(viewer, "agent.read")
    rows = session.scalars(
        select(Agent.tags).where(*visible_agents(viewer)).order_by(Agent.id.desc()).limit(_AGENTS_READ)
    )
    used = Counter(tag for tags in rows for tag in tags if isinstance(tag, str))
    return sorted(tag for tag, _ in used.most_common(TAGS_SHOWN))
