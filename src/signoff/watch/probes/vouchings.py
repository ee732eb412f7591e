"""People's words: vouching for an item, taking it back, and which words stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.agents.limits import checked_reason
from signoff.agents.lookup import agent_for
from signoff.agents.revisions import find_revision, revision_body
from signoff.deployments.actions import environment_for
from signoff.deployments.hands import authors_of, hands_of
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.paging import Page
from signoff.kit.text import storable
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.tables.agents import Agent, Revision
from signoff.tables.keyset import newest_first
from signoff.tables.people import Environment
from signoff.tables.probes import Vouching
from signoff.watch.probes.load_agents import tier_in
from signoff.watch.probes.policies import holding_policy
from signoff.watch.probes.policy import Policy
from signoff.watch.probes.probe import Probe
from signoff.watch.probes.refusals import AlreadyVouched, CannotBeVouchedFor, OwnRevision

VouchingKind = Literal["waive", "attest"]
GRAVE = ("high", "critical")
LINK_CHARS_MAX = 500
STANDING_MAX = 500


@dataclass(frozen=True, slots=True)
class VouchingFacts:
    """One person's word. It stands until `expires_at`, unless `ended_at` says that it was taken back before."""

    id: str
    agent_id: str
    environment_id: str
    probe: str
    kind: VouchingKind
    revision_id: str | None
    reason: str
    link: str
    by: str
    by_name: str
    by_role: str
    at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_by_name: str | None


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody wants to vouch for.

    Attributes:
        kind: `waive` lets an item pass that is not so; `attest` says that one is so which no machine can tell.
        revision: number or id of the one revision it speaks of; None: whichever is shipped while it stands.
        link: where a reader finds what it rests on.
    """

    probe: str
    kind: VouchingKind
    reason: str
    days: int
    revision: int | str | None = None
    link: str = ""


def vouch(session: Session, principal: Principal, agent: str, *, environment: str, word: Word) -> str:
    """Vouch for an item of an agent in an environment; return the id of the word.

    Raises:
        NotAllowed: the caller neither owns the agent nor has the rights of a manager.
        NotFound: there is no such agent, environment, revision or item.
        CannotBeVouchedFor: it is about safety; or it is measured, and can only be waived.
        OwnRevision: the caller wrote the revision, and much is at stake.
        AlreadyVouched: somebody's word stands already.
        Malformed: for too long, or the link is no address.
    """
    reason, link = checked_reason(word.reason), _checked_link(word.link)
    row = agent_for(session, principal, agent, "agent.assign")
    place = environment_for(session, principal, environment)
    authorize(principal, "agent.assign", owners=(row.owner_id, row.backup_id), agent_id=row.id,
              environment_id=place.id)  # fmt: skip
    policy, _ = holding_policy(session, row.workspace_id)
    probe = _checked_probe(policy, word)
    revision = find_revision(session, row, word.revision) if word.revision is not None else None
    _refuse_own(session, principal, row, place, revision)
    moment = clock.now()
    made = Vouching(
        id=ids.new_id("vou"), workspace_id=row.workspace_id, agent_id=row.id, environment_id=place.id,
        open_key=_key(row.id, place.id, probe.id), probe=probe.id, kind=word.kind,
        revision_id=revision.id if revision else None, reason=reason, link=link, by=principal.id,
        by_name=principal.name, by_role=_role(principal, row), at=moment,
        expires_at=moment + timedelta(days=_checked_days(policy, probe, word)),
    )  # fmt: skip
    _put(session, made)
    _note(session, principal, made, "vouching.given", {"days": word.days, "reason": reason, "role": made.by_role})
    return made.id


def take_back(session: Session, principal: Principal, vouching: str) -> None:
    """End somebody's word before it lapses. The item is asked again from now on.

    Raises:
        NotFound: there is no such word in this workspace.
        NotAllowed: the caller neither gave it, nor owns the agent, nor has the rights of a manager.
        NotNow: it was taken back already, or has lapsed.
    """
    authorize(principal, "agent.assign")
    row = session.scalar(
        select(Vouching).where(Vouching.id == vouching, Vouching.workspace_id == principal.workspace_id)
    )
    if row is None or principal.environment_id not in (None, row.environment_id):
        raise NotFound("There is no such word in this workspace.")
    agent = session.get_one(Agent, row.agent_id)
    authorize(principal, "agent.assign", owners=(agent.owner_id, agent.backup_id, row.by), agent_id=agent.id)
    ended = session.execute(
        update(Vouching)
        .where(Vouching.id == row.id, Vouching.open_key.is_not(None), Vouching.expires_at > clock.now())
        .values(open_key=None, ended_at=clock.now(), ended_by_name=principal.name)
        .returning(Vouching.id)
        .execution_options(synchronize_session=False)
    ).all()
    if len(ended) != 1:
        raise NotNow("This word does not stand any more: it was taken back, or has lapsed.", code="vouching_over")
    _note(session, principal, row, "vouching.taken_back", {})


def vouchings_page(
    session: Session,
    viewer: Principal,
    agent: str,
    *,
    environment: str | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[VouchingFacts]:
    """Return one page of what people vouched for of an agent, standing and over, newest first.

    Raises:
        NotFound: there is no such agent or environment.
    """
    row = agent_for(session, viewer, agent, "agent.read")
    wanted = select(Vouching).where(Vouching.agent_id == row.id)
    if environment is not None:
        wanted = wanted.where(Vouching.environment_id == environment_for(session, viewer, environment).id)
    if viewer.environment_id:
        wanted = wanted.where(Vouching.environment_id == viewer.environment_id)
    page = newest_first(session, wanted, Vouching.id, cursor=cursor, size=size)
    return Page([_facts(one.Vouching) for one in page.rows], page.next_cursor, page.previous_cursor)


def latest_words(session: Session, agent_id: str, environment_id: str, revision_id: str) -> dict[str, VouchingFacts]:
    """Return the last word for each item that was not taken back and speaks of this revision; lapsed ones too."""
    rows = session.scalars(
        select(Vouching)
        .where(Vouching.agent_id == agent_id, Vouching.environment_id == environment_id, Vouching.open_key.is_not(None))
        .order_by(Vouching.id.desc())
        .limit(STANDING_MAX)
    )
    found: dict[str, VouchingFacts] = {}
    for row in rows:
        if row.revision_id in (None, revision_id):
            found.setdefault(row.probe, _facts(row))
    return found


def _checked_probe(policy: Policy, word: Word) -> Probe:
    probe = policy.probe(word.probe)
    if probe is None:
        raise NotFound("There is no such item. The evidence of the agent lists them all.")
    if probe.is_safety:
        raise CannotBeVouchedFor(
            f"“{probe.title}” is about safety: nobody can let it pass. {probe.fix}", code="safety_probe"
        )
    if word.kind == "attest" and not probe.may_be_attested:
        raise CannotBeVouchedFor(
            f"“{probe.title}” is measured, so nobody's word says that it is so. Waive it, with a reason, if it may.",
            code="measured_probe",
        )
    return probe


def _refuse_own(
    session: Session, principal: Principal, agent: Agent, place: Environment, revision: Revision | None
) -> None:
    """Refuse an author at once where the revision is named; where none is, `standing` looks when it is shipped."""
    if revision is None:
        return
    body = revision_body(session, revision.id)
    declared = holding_policy(session, place.workspace_id)[0].expected_of(agent.slug).risk_tier
    if tier_in(session, place.workspace_id, place.id, body, declared=declared).level not in GRAVE:
        return
    if hands_of(session, principal.actor) & authors_of(session, revision):
        raise OwnRevision(
            f"You wrote revision {revision.number} of {agent.slug}, and much is at stake with it: somebody else "
            "vouches for it.",
            extra={"required": "agent.assign", "granted": []},
        )


def _checked_days(policy: Policy, probe: Probe, word: Word) -> int:
    most = policy.days_max(probe, word.kind)
    if not 1 <= word.days <= most:
        words = f"between 1 and {most} days"
        raise Malformed(f"A word for “{probe.title}” stands {words}.", errors={"days": [words]})
    return word.days


def _checked_link(link: str) -> str:
    clean = storable(link).strip()
    if not clean:
        return ""
    try:
        parts = urlsplit(clean)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.netloc or len(clean) > LINK_CHARS_MAX:
        words = f"an address that begins with https://, at most {LINK_CHARS_MAX} characters"
        raise Malformed(f"The link is not {words}.", errors={"link": [words]})
    return clean


def _role(principal: Principal, agent: Agent) -> str:
    seats = {agent.backup_id: "backup", agent.owner_id: "owner"}
    seat = seats.get(principal.id)
    return f"{seat} of the agent, {principal.role}" if seat else principal.role


def _put(session: Session, made: Vouching) -> None:
    # One that has lapsed makes room; who gave it, and until when, stays.
    session.execute(
        update(Vouching)
        .where(Vouching.open_key == made.open_key, Vouching.expires_at <= made.at)
        .values(open_key=None)
        .execution_options(synchronize_session=False)
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:
        standing = session.scalar(select(Vouching).where(Vouching.open_key == made.open_key))
        who = f"{standing.by_name} vouched for this until {standing.expires_at:%Y-%m-%d}" if standing else "It stands"
        raise AlreadyVouched(
            f"{who}. Take that back first.", extra={"vouching": standing.id if standing else None}
        ) from None


def _key(agent_id: str, environment_id: str, probe: str) -> str:
    return f"{agent_id}:{environment_id}:{probe}"


def _facts(row: Vouching) -> VouchingFacts:
    kind: VouchingKind = "waive" if row.kind == "waive" else "attest"
    return VouchingFacts(
        row.id, row.agent_id, row.environment_id, row.probe, kind, row.revision_id, row.reason, row.link, row.by,
        row.by_name, row.by_role, row.at, row.expires_at, row.ended_at, row.ended_by_name,
    )  # fmt: skip


def _note(session: Session, principal: Principal, row: Vouching, action: str, more: dict[str, object]) -> None:
    said = {"vouching": row.id, "probe": row.probe, "kind": row.kind, "environment": row.environment_id, **more}
    audit.note(session, principal, action, "agent", row.agent_id, said, revision_id=row.revision_id)
