"""What the books of a served product say of an agent's releases, and whether they agree with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from signoff.kit import clock
from signoff.releases.states import is_open
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import Deployment, LiveRevision
from signoff.tables.people import Environment
from signoff.tables.record import AuditRow, OutboxMessage
from signoff.tables.releases import Release, ReleaseEvent
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.acceptance.product import Product

# Lines of a timeline that are states of the release too.
_MOVES = ("requested", "gated", "scheduled", "shadow", "canary", "live", "watching", "settled", "refused", "aborted",
          "rolled_back")  # fmt: skip
# In these the engine looks at the release; a moment must be set.
_LOOKED_AT = ("scheduled", "shadow", "canary", "watching")


@dataclass(frozen=True)
class Told:
    """One release: its revision's number, where it is, and its timeline."""

    number: int
    state: str
    step: int
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Books:
    """What serves production, who has a share beside it, and every release there, oldest first."""

    live: int
    share: int
    is_shadowed: bool
    switches: int
    releases: tuple[Told, ...]

    @property
    def states(self) -> list[str]:
        return [one.state for one in self.releases]


@contextmanager
def store_of(product: Product) -> Generator[Store]:
    """The database of a product, beside the product."""
    store = Store.open(product.database_url or f"sqlite:///{product.data / 'signoff.sqlite'}")
    yield store
    store.close()


def books(store: Store, slug: str) -> Books:
    """Read them in one transaction, and check that they agree."""
    with store.read() as session:
        if not store.is_sqlite:  # Where each statement would see another moment.
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        agent = session.scalars(select(Agent).where(Agent.slug == slug)).one()
        place = session.scalars(select(Environment.id).where(Environment.slug == "production")).one()
        numbers = dict(session.execute(select(Revision.id, Revision.number).where(Revision.agent_id == agent.id)).all())
        row = session.get_one(LiveRevision, (agent.id, place))
        switches = session.scalars(
            select(Deployment).where(Deployment.agent_id == agent.id, Deployment.environment_id == place)
            .order_by(Deployment.id)
        ).all()  # fmt: skip
        found = session.scalars(select(Release).where(Release.agent_id == agent.id).order_by(Release.id)).all()
        lines: dict[str, list[ReleaseEvent]] = {one.id: [] for one in found}
        for line in session.scalars(
            select(ReleaseEvent).where(ReleaseEvent.release_id.in_(lines)).order_by(ReleaseEvent.seq)
        ):
            lines[line.release_id].append(line)
        audited = session.execute(
            select(AuditRow.object_id, AuditRow.action).where(AuditRow.object_id.in_(lines))
        ).all()
    _agree(row, switches, found)
    told = Counter((one, action) for one, action in audited)
    for one in found:
        kinds = [line.kind for line in lines[one.id]]
        assert [line.seq for line in lines[one.id]] == list(range(1, len(kinds) + 1))
        # Each line has its audit row, and the last move is the state.
        assert told == told | Counter((one.id, f"release.{kind}") for kind in kinds)
        assert [kind for kind in kinds if kind in _MOVES][-1] == one.state
        assert sum(told[one.id, action] for action in {f"release.{kind}" for kind in kinds}) == len(kinds)
    return Books(
        numbers[row.revision_id], row.share, row.shadow_release_id is not None, len(switches),
        tuple(Told(numbers[one.revision_id], one.state, one.step, tuple(e.kind for e in lines[one.id]))
              for one in found),
    )  # fmt: skip


def _agree(row: LiveRevision, switches: Sequence[Deployment], found: Sequence[Release]) -> None:
    """What serves is what was switched to last; a share is a canary's, a shadow is a shadow's; nothing is forgotten."""
    if switches:
        assert (row.revision_id, row.release_id) == (switches[-1].revision_id, switches[-1].release_id)
    chain = [one.revision_id for one in switches]
    assert [one.previous_revision_id for one in switches[1:]] == chain[:-1]
    assert [one.id for one in found if one.state == "canary"] == [one for one in [row.candidate_release_id] if one]
    assert [one.id for one in found if one.state == "shadow"] == [one for one in [row.shadow_release_id] if one]
    assert [one.id for one in found if one.open_key] == [one.id for one in found if is_open(one.state)]
    assert [one.id for one in found if one.state in _LOOKED_AT and one.due_at is None] == []


def pass_time(store: Store, slug: str, minutes: int) -> None:
    """Let what an agent's releases wait for come so much nearer: time is data."""
    back = timedelta(minutes=minutes)
    with store.write() as session:
        agent = session.scalars(select(Agent.id).where(Agent.slug == slug)).one()
        for one in session.scalars(select(Release).where(Release.agent_id == agent, Release.ended_at.is_(None))).all():
            session.execute(
                update(Release).where(Release.id == one.id).values(
                    due_at=one.due_at - back if one.due_at else None,
                    step_since=one.step_since - back if one.step_since else None,
                    watch_until=one.watch_until - back if one.watch_until else None,
                )
            )  # fmt: skip


def left_to_carry(store: Store) -> list[str]:
    """The kinds of messages that are due and not carried yet."""
    with store.read() as session:
        return list(
            session.scalars(
                select(OutboxMessage.kind).where(OutboxMessage.done_at.is_(None), OutboxMessage.due_at <= clock.now())
            )
        )


def runs_of(store: Store, slug: str) -> list[tuple[str, str, int, Any]]:
    """Every real run of an agent: id, state, the number of its revision, its output."""
    with store.read() as session:
        rows = session.execute(
            select(Run.id, Run.state, Run.revision_number, Run.output).where(
                Run.agent_slug == slug, Run.mode == "live"
            ).order_by(Run.id)
        )  # fmt: skip
        return [(row.id, row.state, row.revision_number, row.output) for row in rows]
