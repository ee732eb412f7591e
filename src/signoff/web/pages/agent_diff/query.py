"""What the comparison shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.diff import RevisionDiff, diff
from signoff.agents.queries import draft_of, revision, revisions_page
from signoff.agents.views import RevisionFacts
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal
from signoff.web.agent_head import AgentHead, agent_head

DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: a revision, the draft, or (before revision 1) nothing."""

    key: str
    title: str
    facts: RevisionFacts | None


@dataclass(frozen=True, slots=True)
class DiffView:
    """The comparison. `options` are the newest 200 revisions and the draft."""

    head: AgentHead
    old: Side
    new: Side
    diff: RevisionDiff | None
    options: tuple[tuple[str, str], ...]
    is_whole: bool

    @property
    def added(self) -> int:
        """Return how many SOP lines came."""
        return sum(line.kind == "added" for line in self.diff.sop_lines) if self.diff else 0

    @property
    def removed(self) -> int:
        """Return how many SOP lines went."""
        return sum(line.kind == "removed" for line in self.diff.sop_lines) if self.diff else 0


def load(
    session: Session, viewer: Principal, slug: str, *, old: str = "", new: str = "", is_whole: bool = False
) -> DiffView:
    """Return the view.

    Args:
        old, new: a number, a revision's id, or `draft`; empty takes the newest two that differ.
        is_whole: show every line of the SOP.

    Raises:
        NotFound: the agent has no such revision.
    """
    head = agent_head(session, viewer, slug, "revisions")
    last = head.agent.last_revision
    if not new:
        new = DRAFT if head.agent.has_unfrozen_edits or last == 0 else str(last)
    if not old:
        old = _before(new, last)
    left, before = _side(session, viewer, slug, old)
    right, after = _side(session, viewer, slug, new)
    rows = revisions_page(session, viewer, slug, size=PAGE_SIZE_MAX).rows
    known = [(str(facts.number), f"Revision {facts.number}: {facts.name or facts.reason}"[:90]) for facts in rows]
    options = dict([(DRAFT, "Draft"), *known, (left.key, left.title), (right.key, right.title)])
    options.update(known)
    return DiffView(
        head=head,
        old=left,
        new=right,
        diff=diff(before, after, context=None if is_whole else 3) if last else None,
        options=tuple(options.items()),
        is_whole=is_whole,
    )


def _before(new: str, last: int) -> str:
    if new == DRAFT:
        return str(last)
    return str(int(new) - 1) if new.isascii() and new.isdigit() and len(new) < 10 and int(new) > 1 else "0"


def _side(session: Session, viewer: Principal, slug: str, key: str) -> tuple[Side, dict[str, Any] | None]:
    if key == DRAFT:
        return Side(DRAFT, "Draft", None), draft_of(session, viewer, slug).body
    if key == "0":
        return Side("0", "Nothing: before revision 1", None), None
    found = revision(session, viewer, slug, key[:80])
    return Side(str(found.facts.number), f"Revision {found.facts.number}", found.facts), found.body
