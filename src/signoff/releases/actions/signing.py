"""Signing a release: somebody else read the diff, and says yes or no to exactly that diff."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.deployments.hands import authors_of, hands_behind, hands_of
from signoff.deployments.rights import place_of
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed
from signoff.kit.text import storable
from signoff.people.access import Principal, authorize
from signoff.releases import gate
from signoff.releases.actions.holding import hold
from signoff.releases.actions.moves import look_at, note, stay
from signoff.releases.actions.opening import gate_not_met, kept, refuse
from signoff.releases.actions.request import pass_gate
from signoff.releases.refusals import DiffChanged, NothingToSign, refusal_for
from signoff.releases.rows import BEFORE_LIVE, Shipment, answerable, shipment_for
from signoff.releases.standing import digest_of, standing, wanted_of, why_unanswered, why_unsigned
from signoff.releases.states import SignatureVerdict
from signoff.tables.releases import ReleaseSignature

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
    if not may_be_signed(session, made):
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
    if len(standing(session, made, diff_digest)) >= wanted_of(session, made):
        pass_signed(session, principal, made)


def may_be_signed(session: Session, made: Shipment) -> bool:
    """Return whether a release waits for signatures: before the gate, or because some do not count any more."""
    release = made.release
    if release.state == "requested":
        return True
    return release.held_since is not None and release.state in BEFORE_LIVE and why_unsigned(session, made) is not None


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
    asked = hands_of(session, answerable(session, made.release))
    if made.release.taken_over_by is not None:
        asked |= hands_behind(session, [made.release.requested_by])
    if hands_of(session, principal.actor) & (authors_of(session, made.target) | asked):
        raise NotAllowed(
            f"Nobody signs what they wrote or asked for. Somebody else who may deploy {made.agent.slug} signs it.",
            code="own_release",
        )
    return member


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


def pass_signed(session: Session, principal: Principal, made: Shipment) -> None:
    """Let a release on that has its signatures: through the gate, or to where it was held."""
    if made.release.state != "requested":
        stay(session, made.release, due_at=clock.now())
        look_at(session, made.release, clock.now())
        return
    why = why_unanswered(session, made)
    if why is not None:
        hold(session, made, why, now=clock.now())
        return
    evidence = gate.evidence_for(session, made.agent, made.place, made.target)
    unsafe = gate.unsafe(session, made.agent, made.place, made.target)
    if unsafe is None and evidence.blockers:
        unsafe = gate_not_met(made.agent, made.place, made.target, evidence)
    if unsafe is not None:
        refuse(session, made, unsafe, by=principal.actor, **kept(evidence))
        return
    stay(session, made.release, **kept(evidence))
    pass_gate(session, made, by=principal)
