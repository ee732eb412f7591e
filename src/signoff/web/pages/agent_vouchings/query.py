"""What the page of an agent's vouchings shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from signoff.agents.queries import revisions_page
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.people.queries import environments
from signoff.watch.probes.policies import holding_policy
from signoff.watch.probes.policy import Policy
from signoff.watch.probes.vouchings import VouchingFacts, vouchings_page
from signoff.web.agent_head import AgentHead, agent_head

_REVISIONS_NAMED = 50
_DAYS = 30
_EMPTY = {"probe": "", "kind": "waive", "reason": "", "revision": "", "link": ""}


@dataclass(frozen=True, slots=True)
class VouchingRow:
    """One person's word, with the names of what it speaks of. `is_standing`: it holds now."""

    facts: VouchingFacts
    title: str
    environment: str
    revision: int | None
    is_standing: bool
    is_lapsed: bool


@dataclass(frozen=True, slots=True)
class VouchingsView:
    """The page. `items`: what one can vouch for, by group; `values`: what stands in the form."""

    head: AgentHead
    standing: tuple[VouchingRow, ...]
    over: tuple[VouchingRow, ...]
    environments: tuple[tuple[str, str], ...]
    items: tuple[tuple[str, str], ...]
    values: Mapping[str, str]
    older: str
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    *,
    cursor: str | None = None,
    values: Mapping[str, str] | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> VouchingsView:
    """Return the view.

    Raises:
        NotFound: this workspace has no agent of that slug.
    """
    head = agent_head(session, viewer, slug, "vouchings")
    policy, _ = holding_policy(session, viewer.workspace_id)
    page = vouchings_page(session, viewer, slug, cursor=cursor)
    places = environments(session, viewer)
    slugs = {one.id: one.slug for one in places}
    newest = revisions_page(session, viewer, slug, size=_REVISIONS_NAMED).rows
    numbers = {one.id: one.number for one in newest}
    now = clock.now()
    rows = [_row(one, policy, slugs, numbers, now) for one in page.rows]
    usual = next((one.slug for one in places if one.is_production), places[0].slug if places else "")
    return VouchingsView(
        head=head,
        standing=tuple(one for one in rows if one.is_standing),
        over=tuple(one for one in rows if not one.is_standing),
        environments=tuple((one.slug, one.name) for one in reversed(places)),
        items=tuple(_items(policy)),
        values={**_EMPTY, "environment": usual, "days": str(min(_DAYS, policy.waiver_days_max)), **(values or {})},
        older=f"{head.path}/vouchings?cursor={page.next_cursor}" if page.next_cursor else "",
        problem=problem,
        errors=errors or {},
    )


def _row(
    one: VouchingFacts, policy: Policy, slugs: Mapping[str, str], numbers: Mapping[str, int], now: datetime
) -> VouchingRow:
    probe = policy.probe(one.probe)
    is_lapsed = one.ended_at is None and one.expires_at <= now
    return VouchingRow(
        facts=one,
        title=probe.title if probe is not None else one.probe,
        environment=slugs.get(one.environment_id, ""),
        revision=numbers.get(one.revision_id) if one.revision_id else None,
        is_standing=one.ended_at is None and not is_lapsed,
        is_lapsed=is_lapsed,
    )


def _items(policy: Policy) -> list[tuple[str, str]]:
    """Return what can be vouched for: all but what is about safety. What can be attested says so."""
    found = [one for one in policy.probes if not one.is_safety]
    return [(one.id, f"{one.title}{' (may be attested)' if one.may_be_attested else ''}") for one in found]
