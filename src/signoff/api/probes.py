"""What is asked before a revision serves: the evidence, the policy of the workspace, and people's words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Query, Response
from pydantic import Field, StrictBool
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, Reason, SlugText
from signoff.api.shapes import router as make_router
from signoff.people.access import Principal
from signoff.watch.probes import policies, vouchings
from signoff.watch.probes.evaluate import evidence_for
from signoff.watch.probes.evidence import ProbeResult, Tier
from signoff.watch.probes.policies import PolicyFacts, PolicySet
from signoff.watch.probes.policy import TEXT_CHARS_MAX
from signoff.watch.probes.probe import Phase
from signoff.watch.probes.vouchings import LINK_CHARS_MAX, VouchingFacts, VouchingKind

router = make_router("probes")

_REVISION = r"^([0-9]{1,9}|rev_[a-z0-9]{1,60})$"
_SLUG = r"^[a-z][a-z0-9-]{0,62}$"
_Environment = Annotated[str | None, Query(pattern=_SLUG, description="Production unless said.")]


class NewPolicy(Body):
    """A policy file (YAML). `version` is the one that was looked at, 0 for the shipped one. With `dry_run`, nothing is
    written and the answer says what would change."""

    text: Annotated[str, Field(min_length=1, max_length=TEXT_CHARS_MAX)]
    reason: Annotated[Reason, Field(min_length=1)]
    version: Annotated[int, Field(ge=0, le=2**31 - 2)]
    dry_run: StrictBool = False


class NewVouching(Body):
    """A person's word for one item: `attest` says that it is so, `waive` lets it pass though it is not. It lapses."""

    environment: SlugText
    probe: Annotated[str, Field(pattern=r"^[a-z]+\.[a-z][a-z0-9_]{0,59}$", examples=["owner.runbook"])]
    kind: VouchingKind
    reason: Annotated[Reason, Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=366)]
    revision: Annotated[str | None, Field(pattern=_REVISION, description="Only of this one; else of any.")] = None
    link: Annotated[str, Field(max_length=LINK_CHARS_MAX)] = ""


@dataclass(frozen=True, slots=True)
class EvidenceAnswer:
    """Every item with what was measured, under one policy. `blockers` are the ids of those that keep it back."""

    tier: Tier
    tier_reasons: tuple[str, ...]
    policy_digest: str
    at: datetime
    blockers: list[str]
    results: tuple[ProbeResult, ...]


@router.get("/v1/{workspace}/agents/{agent}/evidence", response_model=EvidenceAnswer)
async def evidence(
    desk: AtDesk,
    agent: AgentName,
    environment: _Environment = None,
    revision: Annotated[
        str | None, Query(pattern=_REVISION, description="Number or id; the newest unless said.")
    ] = None,
    phase: Annotated[Phase, Query(description="Before it goes live, or once it serves.")] = "before",
) -> Response:
    """What the probes say of a revision in an environment, now."""
    return answer(await desk.read(_evidence, agent, environment, revision, phase))


def _evidence(
    session: Session, viewer: Principal, agent: str, environment: str | None, revision: str | None, phase: Phase
) -> EvidenceAnswer:
    found = evidence_for(session, viewer, agent, environment=environment, revision=revision, phase=phase)
    blockers = [one.probe for one in found.blockers]
    return EvidenceAnswer(found.tier, found.tier_reasons, found.policy_digest, found.at, blockers, found.results)


@router.get("/v1/{workspace}/probe-policy", response_model=PolicyFacts)
async def probe_policy(desk: AtDesk) -> Response:
    """The policy file that holds; version 0 is the shipped one."""
    return answer(await desk.read(policies.present_policy))


@router.put("/v1/{workspace}/probe-policy", response_model=PolicySet)
async def set_probe_policy(desk: AtDesk, body: NewPolicy) -> Response:
    """Let another policy file hold from now on, or see what it would change."""
    if body.dry_run:
        return answer(await desk.read(policies.try_policy, body.text))
    return answer(await desk.write(policies.set_policy, body.text, reason=body.reason, expected=body.version))


@router.get("/v1/{workspace}/probe-policy/versions", response_model=Listed[PolicyFacts])
async def probe_policy_versions(desk: AtDesk, cursor: Cursor = None, size: Size = None) -> Response:
    """Every version of the workspace's policy file, newest first."""
    return answer(listed(await desk.read(policies.policy_versions, cursor=cursor, size=size)))


@router.get("/v1/{workspace}/agents/{agent}/vouchings", response_model=Listed[VouchingFacts])
async def vouchings_of(
    desk: AtDesk,
    agent: AgentName,
    environment: Annotated[str | None, Query(pattern=_SLUG)] = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """What people vouched for of an agent, standing and over, newest first."""
    page = await desk.read(vouchings.vouchings_page, agent, environment=environment, cursor=cursor, size=size)
    return answer(listed(page))


@router.post("/v1/{workspace}/agents/{agent}/vouchings", response_model=Made, status_code=201)
async def vouch(desk: AtMakingDesk, agent: AgentName, body: NewVouching) -> Response:
    """Vouch for one item of an agent in an environment."""
    word = vouchings.Word(**body.model_dump(exclude={"environment"}))

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=vouchings.vouch(session, principal, agent, environment=body.environment, word=word))

    return answer(await desk.make("vouching.give", {"agent": agent, **body.model_dump(mode="json")}, work), 201)


@router.delete("/v1/{workspace}/vouchings/{vouching}", response_model=Done)
async def take_back_vouching(desk: AtDesk, vouching: Id) -> Response:
    """Take a word back before it lapses. The item is asked again from now on."""
    await desk.write(vouchings.take_back, vouching)
    return answer(Done())
