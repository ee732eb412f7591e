"""Deciding several requests of one gate of one agent: first each of them with its arguments, then what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signoff.approvals import actions, queries
from signoff.approvals.facts import ApprovalDetail, ApprovalFilter
from signoff.approvals.states import is_open
from signoff.kit.errors import Refusal
from signoff.people.access import Principal
from signoff.tables.session import Store
from signoff.web.approval_card import Card, card_of_many

MANY_MAX = 100
VERDICTS = {"approve": "Approved.", "deny": "Denied."}


@dataclass(frozen=True, slots=True)
class Group:
    """The chosen requests of one gate of one agent."""

    gate: str
    agent_name: str
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class ManyView:
    """What would be decided. With `groups` nothing is yet: they are of several gates.

    Args:
        left: how many of those that were chosen are not the viewer's to decide, or have ended.
        is_cut: there are more than are shown.
    """

    lines: Sequence[Card] = ()
    groups: Sequence[Group] = ()
    left: int = 0
    is_cut: bool = False
    problem: str = ""
    errors: Sequence[str] = ()
    reason: str = ""
    reason_code: str = ""
    is_done: bool = False

    @property
    def gate(self) -> str:
        """Return the gate they all are of."""
        return self.lines[0].row.gate

    @property
    def agent_id(self) -> str:
        """Return the agent they all are of."""
        return self.lines[0].row.agent_id

    @property
    def agent_name(self) -> str:
        """Return that agent's name."""
        return self.lines[0].row.agent_name

    @property
    def code_options(self) -> list[tuple[str, str]]:
        """Return the codes a denial may carry: those every one of them knows."""
        first = self.lines[0].code_options
        return [one for one in first if all(one in line.code_options for line in self.lines)]

    @property
    def needs_reason(self) -> bool:
        """Return whether denying any of them has to say why."""
        return any(line.needs_reason for line in self.lines)


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """What came of one request."""

    id: str
    title: str
    words: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of all of them."""

    lines: Sequence[OutcomeLine]
    verb: str
    is_done: bool = True

    @property
    def is_whole(self) -> bool:
        """Return whether every one of them was decided."""
        return all(line.is_done for line in self.lines)

    @property
    def sentence(self) -> str:
        """Return it in one sentence."""
        done = sum(line.is_done for line in self.lines)
        said = f"1 request is {self.verb}" if done == 1 else f"{done:,} requests are {self.verb}"
        return f"{said}." if self.is_whole else f"{said}, {len(self.lines) - done:,} are left as they are."


def preview(store: Store, viewer: Principal, ids: Sequence[str], **typed: object) -> ManyView:
    """Return the chosen requests with what to decide them by; nothing is decided."""
    with store.read() as session:
        found = queries.some(session, viewer, ids[:MANY_MAX])
    mine = [one for one in found if _is_decidable(one)]
    left = len(dict.fromkeys(ids)) - len(mine)
    groups = _groups(mine)
    if len(groups) > 1:
        return ManyView(groups=groups, left=left)
    more = {name: value for name, value in typed.items() if value}
    return ManyView([card_of_many(one) for one in mine], left=left, **more)  # pyright: ignore[reportArgumentType]


def of_gate(store: Store, viewer: Principal, agent: str, gate: str) -> ManyView:
    """Return what waits for the viewer of one gate of one agent, the oldest first, at most 100."""
    wanted = ApprovalFilter(kind="approval", agent=agent, gate=gate, is_mine=True)
    with store.read() as session:
        page = queries.inbox(session, viewer, wanted, is_oldest_first=True, size=MANY_MAX)
        found = queries.some(session, viewer, [row.id for row in page.rows])
    lines = [card_of_many(one) for one in found if _is_decidable(one)]
    return ManyView(lines, left=len(page.rows) - len(lines), is_cut=page.next_cursor is not None)


def decide_many(
    store: Store, viewer: Principal, ids: Sequence[str], *, agent: str, gate: str, verdict: str, reason: str, code: str
) -> Outcome:
    """Decide each by itself, in a transaction and with an entry of its own; what changed meanwhile is left and told."""
    wanted = list(dict.fromkeys(ids))[:MANY_MAX]
    with store.read() as session:
        known = {one.row.id: one for one in queries.some(session, viewer, wanted)}
    lines = [_decide(store, viewer, known.get(one), one, agent, gate, verdict, reason, code) for one in wanted]
    return Outcome(lines, "approved" if verdict == "approve" else "denied")


def _decide(
    store: Store,
    viewer: Principal,
    known: ApprovalDetail | None,
    approval_id: str,
    agent: str,
    gate: str,
    verdict: str,
    reason: str,
    code: str,
) -> OutcomeLine:
    if known is None:
        return OutcomeLine(approval_id, approval_id, "There is no such request for you.", False)
    row = known.row
    if (row.agent_id, row.gate, row.kind) != (agent, gate, "approval"):
        return OutcomeLine(row.id, row.title, "It is of another gate. Decide it by itself.", False)
    try:
        with store.write() as session:
            done = actions.decide(
                session, viewer, row.id, verdict="approve" if verdict == "approve" else "deny",
                reason=reason or None, reason_code=code or None if verdict == "deny" else None, via="page",
            )  # fmt: skip
    except Refusal as refusal:
        return OutcomeLine(row.id, row.title, refusal.detail, False)
    if done.state == "pending":
        return OutcomeLine(row.id, row.title, f"{done.votes} of {done.quorum} have approved.", True)
    return OutcomeLine(row.id, row.title, VERDICTS[verdict], True)


def _is_decidable(one: ApprovalDetail) -> bool:
    return one.row.kind == "approval" and is_open(one.row.state) and one.row.can_decide


def _groups(found: Sequence[ApprovalDetail]) -> list[Group]:
    together: dict[tuple[str, str], list[ApprovalDetail]] = {}
    for one in found:
        together.setdefault((one.row.agent_id, one.row.gate), []).append(one)
    return [Group(gate, ones[0].row.agent_name, [one.row.id for one in ones]) for (_, gate), ones in together.items()]
