"""Whether a release still stands on those it rests on: who answers for it, and who signed it, with their rights now."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.grants import may_on, who_may_deploy
from signoff.deployments.hands import authors_of, hands_of
from signoff.deployments.queries import live_revision
from signoff.deployments.rights import authorize_deploy, place_of
from signoff.kit.errors import NotAllowed, NotFound
from signoff.people.present import present
from signoff.releases.policy import reviewers_wanted
from signoff.releases.rows import Shipment, answerable
from signoff.releases.rows import diff_digest as _diff_digest
from signoff.tables.releases import Release, ReleaseSignature
from signoff.watch.probes.policies import holding_policy

_SIGNATURES_READ = 100


def why_held(session: Session, made: Shipment) -> str | None:
    """Return why a release must not go on by itself: whoever answers for it may not deploy here any more, or too few
    who signed it may. None: it stands."""
    return why_unanswered(session, made) or why_unsigned(session, made)


def why_unanswered(session: Session, made: Shipment) -> str | None:
    """Return why nobody answers for a release any more, and who could; None: somebody does."""
    who = answerable(session, made.release)
    now = present(session, made.release.workspace_id, who.id, who.key_id)
    lost = now if isinstance(now, str) else None
    if not isinstance(now, str):
        try:
            authorize_deploy(session, now, made.agent, made.place, made.target)
        except (NotAllowed, NotFound):
            lost = f"may not release {made.agent.slug} in {made.place.slug} any more"
    if lost is None:
        return None
    return f"{who.name}, who answers for it: {lost}. {_who_can(session, made, without={who.id})}"


def why_unsigned(session: Session, made: Shipment) -> str | None:
    """Return why a release lacks signatures now; None: it has what its tier asks for."""
    wanted = wanted_of(session, made)
    if wanted == 0:
        return None
    signed = standing(session, made, digest_of(session, made.release))
    if len(signed) >= wanted:
        return None
    return (
        f"It wants {wanted} signature{'s' if wanted > 1 else ''} and has {len(signed)} of people who may deploy "
        f"{made.agent.slug} in {made.place.slug} now. Have it signed by somebody else who may, or call it off."
    )


def standing(session: Session, made: Shipment, digest: str) -> Sequence[ReleaseSignature]:
    """Return the signatures that approve this very diff, of people who may deploy here now and do not answer for the
    release themselves."""
    rows = session.scalars(
        select(ReleaseSignature)
        .where(
            ReleaseSignature.release_id == made.release.id,
            ReleaseSignature.verdict == "approve",
            ReleaseSignature.diff_digest == digest,
        )
        .limit(_SIGNATURES_READ)
    ).all()
    own = hands_of(session, answerable(session, made.release))
    return [row for row in rows if row.member_id not in own and _may_still(session, made, row.member_id)]


def _may_still(session: Session, made: Shipment, member_id: str) -> bool:
    now = present(session, made.release.workspace_id, member_id)
    return not isinstance(now, str) and may_on(now, made.agent, "agent.deploy", place_of(made.place))


def _who_can(session: Session, made: Shipment, *, without: set[str]) -> str:
    authors = authors_of(session, made.target) if made.place.is_four_eyes else set[str]()
    names = who_may_deploy(session, made.agent, place_of(made.place), without=without | authors)
    if not names:
        return (
            "Nobody else may deploy it there yet: share the agent, or give somebody the role. Then they take it over."
        )
    who = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    return f"{who} can take it over, or call it off."


def wanted_of(session: Session, made: Shipment) -> int:
    """Return how many people must sign a release."""
    return reviewers_wanted(
        made.release.tier,  # pyright: ignore[reportArgumentType]  # As the gate said.
        holding_policy(session, made.release.workspace_id)[0].reviewers,
        is_production=made.place.is_production,
        is_emergency=made.release.is_emergency,
        is_rollback=made.release.is_rollback,
    )


def digest_of(session: Session, release: Release) -> str:
    """Return the name of the diff a signature speaks of: what serves as it is now, and the candidate."""
    return _diff_digest(session, live_revision(session, release.agent_id, release.environment_id), release.revision_id)
