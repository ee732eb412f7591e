"""From one environment to the next within an installation: what was tried there, exactly that, goes here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.agents.revisions import find_revision
from signoff.deployments.actions import environment_for
from signoff.deployments.bindings import refuse_lacking
from signoff.deployments.queries import live_revision
from signoff.deployments.rights import authorize_deploy
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound
from signoff.people.access import Principal
from signoff.releases.actions.request import AS_IT_IS, AsItIs, request_release
from signoff.releases.refusals import NotServedThere, SmokeMissing
from signoff.releases.strategy import Strategy
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import Environment
from signoff.tables.runs import Run

# The last run must be this young. A week holds one of each weekday, and outside systems, logins and models change
# slowly enough that what ended well within it is worth something; what is older was another world.
SMOKE_DAYS = 7
# Replays and shadows act on nothing and prove no binding.
_SMOKE_MODES = ("live", "sandbox")
_ENDED = ("completed", "failed")


@dataclass(frozen=True, slots=True)
class Promotion:
    """What would be promoted, and the run that speaks for it; None where none is asked for."""

    agent_id: str
    revision_id: str
    number: int
    hash: str
    source: str
    to: str
    smoke_run: str | None


def plan_promotion(
    session: Session,
    principal: Principal,
    agent: str,
    *,
    to: str,
    source: str | None = None,
    revision: int | str | None = None,
    now: datetime | None = None,
) -> Promotion:
    """Return what a promotion would release, or refuse it.

    Args:
        source: the environment it comes from; None: the one before `to`.
        revision: number or id; None: what serves there.

    Raises:
        NotFound, NotAllowed: as for deploying the agent.
        NotServedThere: another digest serves the environment it comes from.
        BindingsMissing: the environment it goes to lacks what it needs.
        SmokeMissing: it goes to production, and its last run did not end well, is too old, or there was none.
    """
    row = agent_for(session, principal, agent, "agent.deploy")
    place = environment_for(session, principal, to)
    origin = environment_for(session, principal, source) if source else _before(session, place)
    if origin.id == place.id:
        sentence = f"It comes from {origin.slug} and goes to {place.slug}: name two environments."
        raise Malformed(sentence, errors={"to": [sentence]})
    if principal.environment_id not in (None, origin.id, place.id):
        raise NotFound("There is no such environment in this workspace.")
    target = _served(session, row, origin, revision)
    authorize_deploy(session, principal, row, place, target)
    refuse_lacking(session, row, place, target)
    smoke = _smoke(session, row, origin, target, now or clock.now()) if place.is_production else None
    return Promotion(row.id, target.id, target.number, target.hash, origin.slug, place.slug, smoke)


def promote_revision(
    session: Session,
    principal: Principal,
    agent: str,
    *,
    to: str,
    source: str | None = None,
    revision: int | str | None = None,
    reason: str,
    strategy: Strategy | None = None,
    expected: str | AsItIs | None = AS_IT_IS,
) -> str:
    """Ask for the release of what serves one environment in another; return the release's id.

    Raises: what `plan_promotion` and `request_release` raise.
    """
    found = plan_promotion(session, principal, agent, to=to, source=source, revision=revision)
    return request_release(
        session, principal, found.agent_id, environment=found.to, revision=found.revision_id, strategy=strategy,
        reason=reason, expected=expected,
    )  # fmt: skip


def _before(session: Session, place: Environment) -> Environment:
    """Return the environment that comes before another: the nearest in their order that is not production."""
    earlier = (
        select(Environment)
        .where(
            Environment.workspace_id == place.workspace_id,
            Environment.id != place.id,
            Environment.is_production.is_(False),
        )
        .order_by(Environment.position.desc(), Environment.slug)
    )
    if not place.is_production:
        earlier = earlier.where(Environment.position < place.position)
    row = session.scalars(earlier.limit(1)).one_or_none()
    if row is None:
        sentence = f"No environment comes before {place.slug}. Say where it comes from."
        raise Malformed(sentence, errors={"source": [sentence]})
    return row


def _served(session: Session, agent: Agent, origin: Environment, revision: int | str | None) -> Revision:
    live_id = live_revision(session, agent.id, origin.id)
    serving = session.get_one(Revision, live_id) if live_id else None
    if revision is None:
        if serving is None:
            raise NotServedThere(
                f"Nothing of {agent.slug} serves {origin.slug}. Release it there, try it, then promote."
            )
        return serving
    target = find_revision(session, agent, revision)
    if serving is None or serving.hash != target.hash:
        what = f"revision {serving.number} ({serving.hash[:12]})" if serving else "nothing"
        raise NotServedThere(
            f"Revision {target.number} of {agent.slug} ({target.hash[:12]}) does not serve {origin.slug}: {what} does. "
            "Release it there, try it, then promote that very revision.",
            extra={"wanted": target.hash, "serving": serving.hash if serving else None},
        )
    return target


def _smoke(session: Session, agent: Agent, origin: Environment, target: Revision, now: datetime) -> str:
    """Return the run that speaks for a revision: the last that ended where it comes from, of the same digest."""
    same = select(Revision.id).where(Revision.agent_id == agent.id, Revision.hash == target.hash)
    last = session.execute(
        select(Run.id, Run.state, Run.ended_at)
        .where(
            Run.revision_id.in_(same),
            Run.environment_id == origin.id,
            Run.mode.in_(_SMOKE_MODES),
            Run.state.in_(_ENDED),
        )
        .order_by(Run.id.desc())
        .limit(1)
    ).one_or_none()
    words = f"revision {target.number} of {agent.slug} in {origin.slug}"
    how = f"Run it there once and see it end well, at most {SMOKE_DAYS} days before it goes to production."
    if last is None:
        raise SmokeMissing(f"No run of {words} has ended. {how}", extra={"run": None})
    if last.state != "completed":
        raise SmokeMissing(f"The last run of {words} failed. {how}", extra={"run": last.id})
    if last.ended_at is None or last.ended_at < now - timedelta(days=SMOKE_DAYS):
        raise SmokeMissing(f"The last run of {words} is older than {SMOKE_DAYS} days. {how}", extra={"run": last.id})
    return last.id
