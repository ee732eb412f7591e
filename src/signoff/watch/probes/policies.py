"""The policies of a workspace: which one holds, what it said before, and setting another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.agents.limits import checked_reason
from signoff.kit import clock
from signoff.kit.errors import Malformed
from signoff.kit.paging import Page
from signoff.kit.text import storable
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.tables.keyset import newest_first
from signoff.tables.probes import ProbePolicy
from signoff.watch.probes.policy import DEFAULT, Policy, is_relaxed, new_policy, policy_of, read_policy
from signoff.watch.probes.refusals import PolicyChanged
from signoff.watch.probes.registry import BY_ID

ChangeKind = Literal["tightened", "relaxed", "added", "removed", "changed"]
# Of a change only so much goes into the audit: the text of every version is kept whole.
_TOLD_MAX = 50
_WORKSPACES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """One version of a workspace's policy file. Version 0 is the shipped policy, whose text explains itself."""

    version: int
    text: str
    digest: str
    reason: str
    author_name: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What one part of a policy says, and said before. `kind`: whether it asks more or less than before."""

    path: str
    kind: ChangeKind
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class PolicySet:
    """What became, or would become, of a policy. `version` None: nothing was written."""

    version: int | None
    digest: str
    changes: tuple[PolicyChange, ...]


def holding_policy(session: Session, workspace_id: str) -> tuple[Policy, int]:
    """Return the policy that holds in a workspace, and its version; for rooms that have checked whose it is."""
    row = _newest(session, workspace_id)
    return (_read(row.text), row.version) if row is not None else (policy_of(None), 0)


def holding_digests(session: Session, workspace_ids: Iterable[str]) -> dict[str, str]:
    """Return workspace → the digest of the policy that holds in it, as evidence carries it, in one query."""
    wanted = set(workspace_ids)
    own = own_policies(session, wanted)
    return {one: own.get(one, policy_of(None)).digest for one in wanted}


def own_policies(session: Session, workspace_ids: Iterable[str] | None = None) -> dict[str, Policy]:
    """Return workspace → the policy that holds, of those that have one of their own, in one query; None: of all."""
    newest = select(ProbePolicy.workspace_id, func.max(ProbePolicy.version).label("version"))
    if workspace_ids is not None:
        newest = newest.where(ProbePolicy.workspace_id.in_(set(workspace_ids)))
    last = newest.group_by(ProbePolicy.workspace_id).subquery()
    rows = session.execute(
        select(ProbePolicy.workspace_id, ProbePolicy.text)
        .join(last, (last.c.workspace_id == ProbePolicy.workspace_id) & (last.c.version == ProbePolicy.version))
        .limit(_WORKSPACES_MAX)
    )
    return {row.workspace_id: _read(row.text) for row in rows}


@lru_cache(maxsize=64)
def _read(text: str) -> Policy:
    """Return the policy of a version. Versions never change, and reading one takes longer than judging by it."""
    return policy_of(read_policy(text))


def present_policy(session: Session, viewer: Principal) -> PolicyFacts:
    """Return the policy file that holds; where the workspace has none, the shipped one as version 0.

    Raises:
        NotAllowed: the viewer may not see the workspace.
    """
    authorize(viewer, "workspace.read")
    row = _newest(session, viewer.workspace_id)
    if row is not None:
        return _facts(row)
    return PolicyFacts(0, DEFAULT.read_text(encoding="utf-8"), policy_of(None).digest, "", "Signoff", None)


def policy_versions(
    session: Session, viewer: Principal, *, cursor: str | None = None, size: int | None = None
) -> Page[PolicyFacts]:
    """Return one page of the versions of a workspace's policy file, newest first.

    Raises:
        NotAllowed: the viewer may not see the workspace.
    """
    authorize(viewer, "workspace.read")
    wanted = select(ProbePolicy).where(ProbePolicy.workspace_id == viewer.workspace_id)
    page = newest_first(session, wanted, ProbePolicy.version, cursor=cursor, size=size)
    return Page([_facts(row.ProbePolicy) for row in page.rows], page.next_cursor, page.previous_cursor)


def try_policy(session: Session, viewer: Principal, text: str) -> PolicySet:
    """Return what a policy file would change, without writing it.

    Raises:
        NotAllowed: the viewer may not manage the workspace.
        Malformed: the file is wrong; `errors` says where.
    """
    authorize(viewer, "workspace.manage")
    before, _ = holding_policy(session, viewer.workspace_id)
    after = new_policy(text)
    return PolicySet(None, after.digest, policy_changes(before, after))


def set_policy(session: Session, principal: Principal, text: str, *, reason: str, expected: int) -> PolicySet:
    """Let another policy file hold from now on. What is under way is asked by it at its next gate.

    Args:
        expected: the version the caller looked at; 0 is the shipped policy.

    Raises:
        NotAllowed: the caller may not manage the workspace.
        Malformed: the file is wrong; `errors` says where.
        PolicyChanged: another one was set meanwhile.
    """
    authorize(principal, "workspace.manage")
    reason, clean = checked_reason(reason), storable(text)
    before, version = holding_policy(session, principal.workspace_id)
    after = new_policy(clean)
    if version != expected:
        raise _changed(session, principal.workspace_id)
    changes = policy_changes(before, after)
    if not changes:
        raise Malformed("This policy asks the same as the one that holds. Nothing was changed.", code="same_policy")
    row = ProbePolicy(
        workspace_id=principal.workspace_id,
        version=version + 1,
        text=clean,
        digest=after.digest,
        reason=reason,
        author_id=principal.id,
        author_name=principal.name,
        at=clock.now(),
    )
    try:
        # The primary key decides between two who set at once.
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise _changed(session, principal.workspace_id) from None
    _note(session, principal, version + 1, after.digest, reason, changes)
    return PolicySet(version + 1, after.digest, changes)


def policy_changes(before: Policy, after: Policy) -> tuple[PolicyChange, ...]:
    """Return what two policies say differently, in the order of the probes."""
    found: list[PolicyChange] = []
    for name in dict.fromkeys((*before.rules, *after.rules)):
        old, new = before.rules.get(name), after.rules.get(name)
        if old == new:
            continue
        probe, kind = BY_ID.get(name), _came_or_went(old, new)
        if probe is not None and old is not None and new is not None:
            kind = "relaxed" if is_relaxed(probe, old, new) else "tightened" if is_relaxed(probe, new, old) else kind
        found.append(PolicyChange(f"probes.{name}", kind, asdict(old) if old else None, asdict(new) if new else None))
    mine, theirs = before.plain(), after.plain()
    rest = ("own", "lapse_days", "expected", "vouching", "reviewers", "drills", "after")
    loose = (
        ("expected", _is_held_for_less(before, after)),
        ("vouching", _is_longer(before, after)),
        ("reviewers", _is_fewer(before, after)),
        ("after", after.after.asks_less_than(before.after)),
    )
    relaxed = {part for part, is_so in loose if is_so}
    found += [
        PolicyChange(part, "relaxed" if part in relaxed else "changed", mine[part], theirs[part])
        for part in rest
        if mine[part] != theirs[part]
    ]
    return tuple(found)


def _is_longer(before: Policy, after: Policy) -> bool:
    """Return whether people may vouch for longer than before."""
    waivers = after.waiver_days_max > before.waiver_days_max
    return waivers or after.attestation_days_max > before.attestation_days_max


def _is_held_for_less(before: Policy, after: Policy) -> bool:
    """Return whether an agent is held to be less risky than before."""
    order = ("low", "medium", "high", "critical")
    return any(
        order.index(after.expected_of(slug).risk_tier or "low") < order.index(one.risk_tier or "low")
        for slug, one in before.expected.items()
    )


def _is_fewer(before: Policy, after: Policy) -> bool:
    """Return whether a release of some tier is signed by fewer people than before."""
    return any(after.reviewers.get(tier, 0) < people for tier, people in before.reviewers.items())


def _came_or_went(old: object, new: object) -> ChangeKind:
    return "added" if old is None else "removed" if new is None else "changed"


def _newest(session: Session, workspace_id: str) -> ProbePolicy | None:
    return session.scalar(
        select(ProbePolicy)
        .where(ProbePolicy.workspace_id == workspace_id)
        .order_by(ProbePolicy.version.desc())
        .limit(1)
    )


def _facts(row: ProbePolicy) -> PolicyFacts:
    return PolicyFacts(row.version, row.text, row.digest, row.reason, row.author_name, row.at)


def _changed(session: Session, workspace_id: str) -> PolicyChanged:
    row = _newest(session, workspace_id)
    by, version = (row.author_name, row.version) if row is not None else ("Nobody", 0)
    return PolicyChanged(
        f"{by} set version {version} of the policy after you looked. Look again, then decide.",
        extra={"version": version, "by": by, "at": row.at.isoformat() if row is not None else None},
    )


def _note(
    session: Session, principal: Principal, version: int, digest: str, reason: str, changes: Sequence[PolicyChange]
) -> None:
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="probe_policy.set",
        object_kind="workspace",
        object_id=principal.workspace_id,
        detail={
            "version": version,
            "digest": digest,
            "reason": reason,
            "changes": [{"path": one.path, "kind": one.kind} for one in changes[:_TOLD_MAX]],
        },
    )
