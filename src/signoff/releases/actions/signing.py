"""Signing a release: somebody else read the diff, and says yes or no to exactly that diff."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.deployments.queries import live_revision
from signoff.deployments.rights import people_behind, place_of
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed
from signoff.kit.text import storable
from signoff.people.access import Principal, authorize
from signoff.releases import gate
from signoff.releases.actions.moves import note, stay
from signoff.releases.actions.opening import gate_not_met, kept, refuse
from signoff.releases.actions.request import pass_gate, wanted_of
from signoff.releases.refusals import DiffChanged, NothingToSign, refusal_for
from signoff.releases.rows import Shipment, shipment_for
from signoff.releases.rows import diff_digest as _diff_digest
from signoff.releases.states import SignatureVerdict
from signoff.tables.releases import Release, ReleaseSignature

_COMMENT_CHARS = 4_000


def sign_release(
    session: Session, principal: Principal, release_id: str, verdict: SignatureVerdict, diff_digest: str, comment: str
) -> None:
    """Say yes or no to a release's diff. With the last yes the gate is asked anew, and it goes on; a no refuses it.

    Raises:
        NotFound, NotAllowed: as for deploying the agent; and nobody signs what they wrote or asked for.
        NothingToSign: it waits for no signature, or has this person's.
        DiffChanged: the diff they read is not the diff as it is now.
    """
    made = shipment_for(session, principal, release_id, "agent.deploy")
    if made.release.state != "requested":
        raise NothingToSign(f"The release is {made.release.state}: it waits for no signature.")
    member = signer(session, principal, made)
    if diff_digest != digest_of(session, made.release):
        raise DiffChanged("The diff is not what you read: what serves has changed since. Read it again, then sign.")
    words = storable(comment).strip()
    if len(words) > _COMMENT_CHARS or (verdict == "refuse" and not words):
        wanted = f"Say in at most {_COMMENT_CHARS} characters why you refuse."
        raise Malformed(wanted, errors={"comment": [wanted]})
    _write(session, principal, made, member, verdict, diff_digest, words)
    if verdict == "refuse":
        reason = f"{principal.name} refused the diff: {words}"
        refuse(session, made, refusal_for("signature_refused", reason, {"by": principal.name}), by=principal.actor)
        return
    if approvals(session, made.release, diff_digest) >= wanted_of(session, made):
        _pass(session, principal, made)


def signer(session: Session, principal: Principal, made: Shipment) -> str:
    """Return the member who would sign, or refuse: a person with the right to deploy here, neither the author of the
    revision nor who asked for its release."""
    authorize(
        principal, "agent.deploy", owners=(made.agent.owner_id, made.agent.backup_id), agent_id=made.agent.id,
        place=place_of(made.place),
    )  # fmt: skip
    member = principal.member_id
    if member is None:
        raise NotAllowed("A signature is a person's. Sign in, and sign by hand.", code="not_a_person")
    target = made.target
    wrote = people_behind(session, [target.author_id, *([target.drafted_by] if target.drafted_by else [])])
    if people_behind(session, [principal.id]) & (wrote | people_behind(session, [made.release.requested_by])):
        raise NotAllowed(
            f"Nobody signs what they wrote or asked for. Somebody else who may deploy {made.agent.slug} signs it.",
            code="own_release",
        )
    return member


def digest_of(session: Session, release: Release) -> str:
    """Return the name of the diff a signature speaks of: what serves as it is now, and the candidate."""
    return _diff_digest(session, live_revision(session, release.agent_id, release.environment_id), release.revision_id)


def approvals(session: Session, release: Release, digest: str) -> int:
    """Return how many people approved this very diff."""
    rows = session.scalars(
        select(ReleaseSignature.member_id).where(
            ReleaseSignature.release_id == release.id,
            ReleaseSignature.verdict == "approve",
            ReleaseSignature.diff_digest == digest,
        )
    ).all()
    return len(rows)


def _write(
    session: Session,
    principal: Principal,
    made: Shipment,
    member: str,
    verdict: SignatureVerdict,
    digest: str,
    comment: str,
) -> None:
    row = ReleaseSignature(
        release_id=made.release.id, member_id=member, workspace_id=made.release.workspace_id,
        member_name=principal.name, verdict=verdict, diff_digest=digest, comment=comment, at=clock.now(),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise NothingToSign("You signed this release already.") from None
    # Counts as a move: of two last signatures at once, one finds that the other was first, and is counted after it.
    stay(session, made.release)
    said = "approved" if verdict == "approve" else "refused"
    note(session, made.release, "signed", by=principal.actor, text=f"{principal.name} {said} the diff.",
         detail={"verdict": verdict, "diff_digest": digest, "comment": comment})  # fmt: skip


def _pass(session: Session, principal: Principal, made: Shipment) -> None:
    evidence = gate.evidence_for(session, made.agent, made.place, made.target)
    unsafe = gate.unsafe(session, made.agent, made.place, made.target)
    if unsafe is None and evidence.blockers:
        unsafe = gate_not_met(made.agent, made.place, made.target, evidence)
    if unsafe is not None:
        refuse(session, made, unsafe, by=principal.actor, **kept(evidence))
        return
    stay(session, made.release, **kept(evidence))
    pass_gate(session, made, by=principal)
