"""A run and the runs that came of it: who asked for whom, what all of them cost, and whether one above has ended.

Read whole, by the first of all: there are as many as `limits.sub_agent_runs` of that one allows, which is few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import cast

from sqlalchemy import Table, bindparam, or_, select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.revisions import revision_body
from signoff.runs.states import is_over, is_told_to_go_on, needs_attention
from signoff.tables.agents import Agent
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run

# More than any revision allows.
FAMILY_MAX = 1_000
_runs = cast("Table", Run.__table__).c
_FAMILY = Prepared(
    select(
        _runs.id, _runs.parent_run_id, _runs.depth, _runs.parent_call, _runs.agent_id, _runs.agent_slug,
        _runs.agent_name, _runs.revision_id, _runs.revision_number, _runs.state, _runs.waiting_for, _runs.code,
        _runs.reason, _runs.is_cancel_requested, _runs.mode, _runs.title, _runs.cost_usd, _runs.raised_usd,
        _runs.tokens_in, _runs.tokens_out, _runs.created_at, _runs.started_at, _runs.ended_at,
        cast("Table", Agent.__table__).c.state.label("agent_state"),
    )
    .join(cast("Table", Agent.__table__), cast("Table", Agent.__table__).c.id == _runs.agent_id)
    .where(or_(_runs.id == bindparam("of_root"), _runs.root_run_id == bindparam("of_root")))
    .order_by(_runs.id)
    .limit(FAMILY_MAX)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kin:
    """One run of a family, as far as the others have to know of it. What it cost is its own, without its children."""

    id: str
    parent_run_id: str | None
    depth: int
    parent_call: str | None
    agent_id: str
    agent_slug: str
    agent_name: str
    revision_id: str
    revision_number: int
    state: str
    waiting_for: str | None
    code: str | None
    reason: str | None
    is_cancel_requested: bool
    mode: str
    title: str
    cost_usd: Decimal
    raised_usd: Decimal
    tokens_in: int
    tokens_out: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    agent_state: str

    @property
    def is_over(self) -> bool:
        """Return whether it will never do anything again."""
        return is_over(self.state)

    @property
    def tokens(self) -> int:
        """Return its own tokens, in and out."""
        return self.tokens_in + self.tokens_out

    @property
    def name(self) -> str:
        """Return what people call its agent."""
        return self.agent_name or self.agent_slug


@dataclass(frozen=True, slots=True)
class Family:
    """Every run that came of one, that one first."""

    root_id: str
    runs: Mapping[str, Kin] = field(default_factory=dict[str, Kin])

    def above(self, run_id: str) -> list[Kin]:
        """Return the runs that asked for this one, the nearest first."""
        found: list[Kin] = []
        kin = self.runs.get(run_id)
        while kin is not None and kin.parent_run_id is not None and len(found) < FAMILY_MAX:
            kin = self.runs.get(kin.parent_run_id)
            if kin is not None:
                found.append(kin)
        return found

    def children(self, run_id: str) -> list[Kin]:
        """Return the runs that a run asked for itself, in the order in which it did."""
        return [kin for kin in self.runs.values() if kin.parent_run_id == run_id]

    def below(self, run_id: str) -> list[Kin]:
        """Return all that came of a run, each followed by what came of it."""
        found: list[Kin] = []
        for kin in self.children(run_id):
            found += [kin, *self.below(kin.id)]
        return found

    def cost_usd(self, run_id: str) -> Decimal:
        """Return what a run cost with all that came of it."""
        return sum((kin.cost_usd for kin in self._with_below(run_id)), Decimal(0))

    def waits_for_person(self, run_id: str) -> bool:
        """Return whether a run, or one that came of it, goes on only when somebody answers."""
        return any(
            kin.state == "waiting"
            and not is_told_to_go_on(kin.state, kin.waiting_for)
            and needs_attention(kin.state, kin.waiting_for)
            for kin in self._with_below(run_id)
        )

    def tokens(self, run_id: str) -> int:
        """Return the tokens of a run with all that came of it."""
        return sum(kin.tokens for kin in self._with_below(run_id))

    def _with_below(self, run_id: str) -> list[Kin]:
        own = self.runs.get(run_id)
        return [*([own] if own is not None else []), *self.below(run_id)]


def family_of(session: Session, root_id: str) -> Family:
    """Return the family of a run that nobody's call made. Whoever asks has checked whose it is."""
    rows = _FAMILY.all(session, {"of_root": root_id})
    return Family(root_id, {row.id: Kin(*row) for row in rows})


def body_of(session: Session, kin: Kin) -> Body:
    """Return the content of the revision of a run."""
    return revision_body(session, kin.revision_id)
