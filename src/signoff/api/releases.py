"""Releases: asking for one, signing it, deciding it, going back, and rehearsing the way back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.api.activations import ReleaseMade, tried
from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.kept_refusals import made_or_refused, told
from signoff.api.shapes import Body, Reason, SlugText
from signoff.api.shapes import router as make_router
from signoff.deployments.actions import environment_for
from signoff.deployments.queries import live_revision
from signoff.kit.errors import Refusal
from signoff.people.access import Principal
from signoff.releases import actions, planning, queries
from signoff.releases.activations import try_soon
from signoff.releases.states import RELEASE_STATES
from signoff.releases.strategy import read_strategy
from signoff.releases.views import DrillFacts, ReleaseDetail, ReleaseFacts, RollbackPlan, WriteFacts

router = make_router("releases")

_REVISION = r"^([0-9]{1,9}|rev_[a-z0-9]{1,60})$"
_Revision = Annotated[str, Field(pattern=_REVISION, description="Number or id.")]
_Why = Annotated[Reason, Field(min_length=1)]
_Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="As you read it; 409 when it moved on since.")]
_Environment = Annotated[str, Query(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="The environment's slug.")]


class RequestRelease(Body):
    """Which revision is to serve where, by which way, and why. No strategy: as the tier of the revision proposes."""

    environment: SlugText
    revision: _Revision
    reason: _Why
    strategy: Annotated[
        dict[str, Any] | None,
        Field(
            description="`at`, `window`, `shadow`, `canary`, `watch_minutes`; `{}` is at once and whole.",
            examples=[{"canary": {"steps": [{"share_percent": 5, "minutes": 60, "min_runs": 20}]}}],
        ),
    ] = None
    is_emergency: Annotated[
        bool, Field(description="Skips signatures and steps, never the gate; raises an alert for a review.")
    ] = False


class SignRelease(Body):
    """Yes or no to the diff that `diff_digest` names, as the release gave it."""

    verdict: Literal["approve", "refuse"]
    diff_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    comment: Annotated[str, Field(max_length=4_000)] = ""


class Decide(Body):
    """Why; and the version that was looked at."""

    reason: _Why
    version: _Version | None = None


class RollBack(Body):
    """Where to go back, why, and what becomes of the runs under way. No revision: the last good one that served."""

    environment: SlugText
    reason: _Why
    to_revision: _Revision | None = None
    in_flight: Annotated[
        Literal["drain", "stop", "repin"],
        Field(description="They finish under theirs, are called off, or those that wait go on under what serves."),
    ] = "drain"


class RehearseRollback(Body):
    """Where to rehearse. In production the switch is undone at once; elsewhere it is made for real, there and back."""

    environment: SlugText


class RepinRun(Body):
    """Under which revision a waiting run goes on, and why."""

    revision: _Revision
    reason: _Why


@router.post("/v1/{workspace}/agents/{agent}/releases", response_model=ReleaseMade, status_code=201)
async def request_release(desk: AtMakingDesk, agent: AgentName, body: RequestRelease) -> Response:
    """Ask for a revision to serve an environment, through the gate. A refused attempt is kept, with its reason. Of one
    that serves at once each connection is tried, and the answer tells what came of it."""
    strategy = read_strategy(body.strategy) if body.strategy is not None else None
    # Looked at first, so that of two callers at the same moment one wins, also where writers queue.
    seen = await desk.read(_serving, agent, body.environment)

    def work(session: Session, principal: Principal) -> dict[str, Any]:
        made = actions.request_release(
            session, principal, agent, environment=body.environment, revision=body.revision, strategy=strategy,
            reason=body.reason, expected=seen, is_emergency=body.is_emergency,
        )  # fmt: skip
        return told(_kept(session, made))

    made = await desk.make("release.request", {"agent": agent, **body.model_dump(mode="json")}, work)
    return answer(await tried(desk, made_or_refused(made)), 201)


def _kept(session: Session, release_id: str) -> str | Refusal:
    refusal = actions.refusal_of(session, release_id)
    if refusal is None:
        return release_id
    refusal.extra["release"] = release_id
    return refusal


def _serving(session: Session, viewer: Principal, agent: str, environment: str) -> str | None:
    found = agent_for(session, viewer, agent, "agent.deploy")
    return live_revision(session, found.id, environment_for(session, viewer, environment).id)


_State = Annotated[str | None, Query(pattern=f"^({'|'.join(RELEASE_STATES)})$", description="Only in this state.")]


@router.get("/v1/{workspace}/releases", response_model=Listed[ReleaseFacts])
async def releases(
    desk: AtDesk,
    environment: _Environment | None = None,
    state: _State = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """Every release of the workspace, newest first."""
    return answer(
        listed(await desk.read(queries.releases_page, environment=environment, state=state, cursor=cursor, size=size))
    )


@router.get("/v1/{workspace}/agents/{agent}/releases", response_model=Listed[ReleaseFacts])
async def releases_of(
    desk: AtDesk,
    agent: AgentName,
    environment: _Environment | None = None,
    state: _State = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """The releases of an agent, newest first; refused and aborted ones too."""
    page = await desk.read(
        queries.releases_page, agent=agent, environment=environment, state=state, cursor=cursor, size=size
    )
    return answer(listed(page))


@router.get("/v1/{workspace}/releases/{release}", response_model=ReleaseDetail)
async def release(desk: AtDesk, release: Id) -> Response:
    """One release: its evidence, timeline and signatures, and the digest that a signature must carry."""
    return answer(await desk.read(queries.release, release))


@router.post("/v1/{workspace}/releases/{release}:sign", response_model=Done)
async def sign_release(desk: AtDesk, release: Id, body: SignRelease) -> Response:
    """Approve or refuse the diff. With the last signature its tier wants, the release goes on."""
    await desk.write(_sign, release, body)
    return answer(Done())


def _sign(session: Session, principal: Principal, release: str, body: SignRelease) -> None:
    actions.sign_release(session, principal, release, body.verdict, body.diff_digest, body.comment)
    try_soon(session, release)


@router.post("/v1/{workspace}/releases/{release}:abort", response_model=Done)
async def abort_release(desk: AtDesk, release: Id, body: Decide) -> Response:
    """Call a release off before it serves. What serves gets everything again."""
    await desk.write(actions.abort_release, release, reason=body.reason, version=body.version)
    return answer(Done())


@router.post("/v1/{workspace}/releases/{release}:take-over", response_model=Done)
async def take_over_release(desk: AtDesk, release: Id, body: Decide) -> Response:
    """Answer for a release from now on. One that is held because nobody may answer for it any more goes on."""
    await desk.write(actions.take_over_release, release, reason=body.reason, version=body.version)
    return answer(Done())


@router.post("/v1/{workspace}/releases/{release}:promote", response_model=Done)
async def promote_release(desk: AtDesk, release: Id, body: Decide) -> Response:
    """Take the next step of a release now. The gate is asked all the same."""

    def work(session: Session, principal: Principal) -> str | Refusal:
        actions.promote_now(session, principal, release, reason=body.reason, version=body.version)
        return _kept(session, release)

    made = await desk.write(work)
    if isinstance(made, Refusal):
        raise made
    await tried(desk, release)
    return answer(Done())


@router.get("/v1/{workspace}/releases/{release}/writes", response_model=Listed[WriteFacts])
async def release_writes(desk: AtDesk, release: Id) -> Response:
    """What was done in the world under the revision that a rollback ended: at most the newest 200 acts, each with the
    tool that takes it back where one is declared."""
    found, _ = await desk.read(planning.writes_undone_by, release)
    return answer({"items": found, "next_cursor": None})


@router.get("/v1/{workspace}/agents/{agent}/rollback-plan", response_model=RollbackPlan)
async def rollback_plan(desk: AtDesk, agent: AgentName, environment: _Environment = "production") -> Response:
    """What going back would do: to what, what is in flight, and what was done since the revision went live."""
    return answer(await desk.read(planning.plan_rollback, agent, environment))


@router.post("/v1/{workspace}/agents/{agent}:roll-back", response_model=ReleaseMade)
async def roll_back(desk: AtMakingDesk, agent: AgentName, body: RollBack) -> Response:
    """Go back to what served before, at once. A canary under way is taken away instead, unless a revision is named."""
    seen = await desk.read(_serving, agent, body.environment)

    def work(session: Session, principal: Principal) -> dict[str, Any]:
        made = actions.roll_back(
            session, principal, agent, environment=body.environment, reason=body.reason,
            to_revision=body.to_revision, in_flight=body.in_flight, expected=seen,
        )  # fmt: skip
        return told(_kept(session, made))

    made = await desk.make("agent.roll_back", {"agent": agent, **body.model_dump(mode="json")}, work)
    return answer(await tried(desk, made_or_refused(made)))


@router.get("/v1/{workspace}/agents/{agent}/drills", response_model=Listed[DrillFacts])
async def drills(
    desk: AtDesk,
    agent: AgentName,
    environment: _Environment | None = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """The measured rehearsals of going back, newest first."""
    page = await desk.read(queries.drills_page, agent, environment=environment, cursor=cursor, size=size)
    return answer(listed(page))


@router.post("/v1/{workspace}/agents/{agent}:drill", response_model=Made)
async def drill_rollback(desk: AtDesk, agent: AgentName, body: RehearseRollback) -> Response:
    """Rehearse going back, and measure it."""
    made = await desk.store.run(actions.drill_for_real, desk.store, desk.principal, agent, environment=body.environment)
    return answer(Made(id=made))


@router.post("/v1/{workspace}/runs/{run}:repin", response_model=Done)
async def repin_run(desk: AtDesk, run: Id, body: RepinRun) -> Response:
    """Let a waiting run go on under another revision that serves, or served lately, where it can."""
    await desk.write(actions.repin_run, run, revision=body.revision, reason=body.reason)
    return answer(Done())
