"""Reading revisions inside the floors: rows by number or id, and their content, cached because it never changes."""

from __future__ import annotations

import threading
from collections import OrderedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.views import RevisionFacts
from signoff.kit.canonical import content_hash
from signoff.kit.errors import NotFound, StoreError
from signoff.tables.agents import Agent, Revision

_CACHE_MAX = 256
_cache: OrderedDict[str, Body] = OrderedDict()
_cache_lock = threading.Lock()


def find_revision(session: Session, agent: Agent, revision: int | str) -> Revision:
    """Return the row of an agent's revision by number (`3`, `"3"`) or id (`rev_…`).

    Raises:
        NotFound: the agent has no such revision.
    """
    text = str(revision)
    if text.isascii() and text.isdigit() and len(text) < 10:
        by = Revision.number == int(text)
    else:
        by = Revision.id == text
    row = session.scalar(select(Revision).where(Revision.agent_id == agent.id, Revision.number > 0, by))
    if row is None:
        raise NotFound(f"{agent.slug} has no such revision. Its newest is {agent.last_revision}.")
    return row


def revision_body(session: Session, revision_id: str) -> Body:
    """Return the content of a revision; for the engine, which has checked whose it is. Checked against its hash once.

    Raises:
        NotFound: there is no such revision.
        StoreError: the stored content is not what was frozen.
    """
    with _cache_lock:
        known = _cache.get(revision_id)
        if known is not None:
            _cache.move_to_end(revision_id)
            return known
    row = session.get(Revision, revision_id)
    if row is None:
        raise NotFound("There is no such revision.")
    if content_hash(row.body) != row.hash:
        raise StoreError(
            f"The content of revision {row.number} is not what was frozen: its hash does not match. It will not run.",
            code="revision_damaged",
        )
    body = Body.model_validate(row.body)
    with _cache_lock:
        _cache[revision_id] = body
        while len(_cache) > _CACHE_MAX:
            _cache.popitem(last=False)
    return body


def revision_facts(row: Revision) -> RevisionFacts:
    """Return what others are told about a revision."""
    return RevisionFacts(
        row.id,
        row.agent_id,
        row.number,
        row.hash,
        row.name,
        row.reason,
        row.author_id,
        row.author_name,
        row.created_at,
    )
