"""Revisions, their differences, and which one serves where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.agents import queries
from signoff.agents.diff import RevisionDiff, diff
from signoff.agents.views import RevisionDetail, RevisionFacts
from signoff.api.activations import ReleaseMade, tried
from signoff.api.answers import Done, Listed, answer, listed
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Cursor, Size
from signoff.api.drafts import lint_facts
from signoff.api.kept_refusals import made_or_refused, told
from signoff.api.shapes import Body, Reason, SlugText
from signoff.api.shapes import router as make_router
from signoff.deployments import actions as deployments
from signoff.deployments import queries as deployed
from signoff.deployments import retiring
from signoff.deployments.views import DeploymentFacts
from signoff.people.access import Principal
from signoff.releases.actions import try_live
from signoff.releases.queries import release_of_switch

router = make_router("revisions")

_WHICH = r"^(draft|live|[0-9]{1,9}|rev_[a-z0-9]{1,60})$"
RevisionName = Annotated[
    str, Path(pattern=r"^([0-9]{1,9}|rev_[a-z0-9]{1,60})$", description="A revision's number or id.", examples=["1"])
]


class Freeze(Body):
    """Why this revision is made. `version` guards against freezing a text one has not seen."""

    reason: Annotated[Reason, Field(min_length=1)]
    name: Annotated[str, Field(max_length=200)] = ""
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class Why(Body):
    """Why; kept in the audit."""

    reason: Annotated[Reason, Field(min_length=1)]


class MakeLive(Body):
    """Which revision serves an environment from now on, and why. Going back is the same."""

    environment: SlugText
    revision: Annotated[str, Field(pattern=r"^([0-9]{1,9}|rev_[a-z0-9]{1,60})$", description="Number or id.")]
    reason: Annotated[Reason, Field(min_length=1)]


@router.get("/v1/{workspace}/agents/{agent}/revisions", response_model=Listed[RevisionFacts])
async def revisions(desk: AtDesk, agent: AgentName, cursor: Cursor = None, size: Size = None) -> Response:
    """The revisions of an agent, newest first, without their content."""
    return answer(listed(await desk.read(queries.revisions_page, agent, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/agents/{agent}/revisions", response_model=RevisionFacts, status_code=201)
async def freeze_revision(desk: AtMakingDesk, agent: AgentName, body: Freeze) -> Response:
    """Freeze the draft as the next revision. The first one serves every environment at once."""

    def work(session: Session, principal: Principal) -> RevisionFacts:
        text = queries.draft_of(session, principal, agent).body
        facts = lint_facts(session, principal, text, desk, agent)
        return deployments.freeze_and_serve_first(
            session, principal, agent, reason=body.reason, name=body.name, version=body.version, facts=facts
        )

    asked = {"agent": agent, **body.model_dump(mode="json")}
    return answer(await desk.make("revision.freeze", asked, work), 201)


@router.get("/v1/{workspace}/agents/{agent}/revisions/{revision}", response_model=RevisionDetail)
async def revision(desk: AtDesk, agent: AgentName, revision: RevisionName) -> Response:
    """One revision, with its content exactly as it was frozen."""
    return answer(await desk.read(queries.revision, agent, revision))


@router.post("/v1/{workspace}/agents/{agent}/revisions/{revision}:retire", response_model=Done)
async def retire_revision(desk: AtDesk, agent: AgentName, revision: RevisionName, body: Why) -> Response:
    """Let nothing begin under a revision any more: no release, no run that names it. Runs under way finish."""
    await desk.write(retiring.retire_revision, agent, revision, reason=body.reason)
    return answer(Done())


@router.post("/v1/{workspace}/agents/{agent}/revisions/{revision}:reinstate", response_model=Done)
async def reinstate_revision(desk: AtDesk, agent: AgentName, revision: RevisionName, body: Why) -> Response:
    """Take a retirement back."""
    await desk.write(retiring.reinstate_revision, agent, revision, reason=body.reason)
    return answer(Done())


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two texts: the SOP by line and word, everything else by field."""

    old: str
    new: str
    diff: RevisionDiff


@router.get("/v1/{workspace}/agents/{agent}/diff", response_model=Difference)
async def diff_revisions(
    desk: AtDesk,
    agent: AgentName,
    old: Annotated[
        str, Query(pattern=_WHICH, description="A number, an id, `live` (in production) or `draft`.")
    ] = "live",
    new: Annotated[str, Query(pattern=_WHICH)] = "draft",
) -> Response:
    """What changes from one text of an agent to another."""
    return answer(await desk.read(_difference, agent, old, new))


def _difference(session: Session, viewer: Principal, agent: str, old: str, new: str) -> Difference:
    return Difference(old, new, diff(_text(session, viewer, agent, old), _text(session, viewer, agent, new)))


def _text(session: Session, viewer: Principal, agent: str, which: str) -> dict[str, Any] | None:
    found = queries.agent_by_slug(session, viewer, agent)
    if which == "draft":
        return queries.draft_of(session, viewer, found.id).body
    if which != "live":
        return queries.revision(session, viewer, found.id, which).body
    live = deployed.live_revisions(session, viewer, [found.id]).get(found.id, [])
    # Nothing live yet: everything is new.
    return queries.revision(session, viewer, found.id, live[-1].revision_id).body if live else None


class LiveMade(ReleaseMade):
    """The switch, the release it was made by, and the connections that were tried with it."""

    release: str


@router.post("/v1/{workspace}/agents/{agent}:live", response_model=LiveMade)
async def make_live(desk: AtMakingDesk, agent: AgentName, body: MakeLive) -> Response:
    """Let a revision serve an environment from now on. Runs under way keep theirs."""
    # Looked at first, so that of two callers at the same moment one wins, also where writers queue.
    seen = await desk.read(_serving, agent, body.environment)

    def work(session: Session, principal: Principal) -> dict[str, Any]:
        made = try_live(
            session,
            principal,
            agent,
            environment=body.environment,
            revision=body.revision,
            reason=body.reason,
            expected=seen,
        )
        return told(made)

    made = await desk.make("agent.live", {"agent": agent, **body.model_dump(mode="json")}, work)
    switch = made_or_refused(made)
    found = await tried(desk, await desk.read(release_of_switch, switch))
    return answer(
        LiveMade(
            id=switch, release=found.id, state=found.state, activations=found.activations,
            activations_failed=found.activations_failed,
        )
    )  # fmt: skip


def _serving(session: Session, viewer: Principal, agent: str, environment: str) -> str | None:
    found = queries.agent_by_slug(session, viewer, agent)
    live = deployed.live_revisions(session, viewer, [found.id]).get(found.id, [])
    return next((one.revision_id for one in live if one.environment == environment), None)


@router.get("/v1/{workspace}/agents/{agent}/deployments", response_model=Listed[DeploymentFacts])
async def deployments_of(
    desk: AtDesk,
    agent: AgentName,
    environment: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{0,62}$")] = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """Every switch of what serves, newest first."""
    page = await desk.read(deployed.deployments_page, agent, environment=environment, cursor=cursor, size=size)
    return answer(listed(page))
