"""Who is behind what was done with a key or by a service account: the members who could have done it themselves."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.record.actor import SYSTEM, Actor
from signoff.tables.agents import Revision
from signoff.tables.people import ApiKey

# A key may have been made by a key. Longer chains than this end where they are.
_KEYS_DEEP = 8
_MAKERS_MAX = 200
_SAME_MAX = 200


def people_behind(session: Session, ids: Iterable[str]) -> set[str]:
    """Return the members who acted: for a key, whoever made it. Nobody approves with a key what they wrote by hand."""
    found = set(ids)
    for _ in range(_KEYS_DEEP):
        keys = sorted(one for one in found if one.startswith("key_"))
        rows = session.execute(select(ApiKey.id, ApiKey.created_by).where(ApiKey.id.in_(keys)))
        makers: dict[str, str] = {row.id: row.created_by for row in rows}
        if not makers:
            break
        found = {makers.get(one, one) for one in found}
    return found


def hands_behind(session: Session, ids: Iterable[str]) -> set[str]:
    """Return who may have acted: the ids themselves, and for a service account everybody who made a key of it, also
    one that has ended since. The command line of the machine is nobody in particular."""
    found, looked_at = people_behind(session, ids), set[str]()
    for _ in range(_KEYS_DEEP):
        accounts = sorted(one for one in found - looked_at if one.startswith("svc_"))
        if not accounts:
            break
        makers = select(ApiKey.created_by).where(ApiKey.owner_id.in_(accounts)).distinct()
        looked_at |= set(accounts)
        found |= people_behind(session, session.scalars(makers.limit(_MAKERS_MAX)).all()) - {SYSTEM.id}
    return found


def hands_of(session: Session, who: Actor) -> set[str]:
    """Return who acts now: the caller, and whoever holds the very key that is used."""
    if who.key_id is None:
        return hands_behind(session, [who.id])
    return {who.id} | (hands_behind(session, [who.key_id]) - {SYSTEM.id})


def authors_of(session: Session, target: Revision) -> set[str]:
    """Return who wrote a revision: whoever froze it, or saved its draft since the revision before; of a text that was
    frozen before, those of then as well."""
    rows = session.execute(
        select(Revision.author_id, Revision.drafted_by, Revision.writers)
        .where(Revision.agent_id == target.agent_id, Revision.hash == target.hash)
        .order_by(Revision.number)
        .limit(_SAME_MAX)
    ).all()
    wrote = {one for row in rows for one in (row.author_id, row.drafted_by, *(row.writers or ()))}
    return hands_behind(session, filter(None, wrote | {target.author_id}))
