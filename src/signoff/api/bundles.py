"""Agents as code: apply a folder's texts, all or nothing, and take them away again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from signoff.agents.bundle import Plan, export, plan, plan_text, read_texts, written
from signoff.agents.facts import gather
from signoff.agents.findings import Finding
from signoff.api.answers import answer
from signoff.api.desk import AtDesk, AtMakingDesk, Desk
from signoff.api.shapes import Body, Reason
from signoff.api.shapes import router as make_router
from signoff.deployments.bundle import Applied, apply_plan
from signoff.gateways.model.knowledge import model_knowledge
from signoff.people.access import Principal

router = make_router("agents")


class AgentTexts(Body):
    """One agent: the name of its folder, and the texts of `agent.yaml` and `sop.md`."""

    folder: Annotated[str, Field(min_length=1, max_length=100)]
    agent_yaml: Annotated[str, Field(max_length=1_100_000)]
    sop_md: Annotated[str, Field(max_length=110_000)] | None = None


class Bundle(Body):
    """The agents to apply. With `dry_run`, nothing is written and the answer says what would change."""

    agents: Annotated[list[AgentTexts], Field(min_length=1, max_length=500)]
    reason: Annotated[Reason, Field(min_length=1)] = "applied from files"
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """What would become, or became, of one agent: `create`, `change`, `same` or `refused`."""

    slug: str
    kind: str
    freezes: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class BundleAnswer:
    """The plan, as data and as text, and what was applied; nothing on a dry run."""

    planned: list[Planned]
    text: str
    applied: list[Applied]


class Texts(BaseModel):
    """Every agent at its newest revision, as the texts of its files."""

    agents: list[AgentTexts]


@router.post("/v1/{workspace}/agents:apply", response_model=BundleAnswer)
async def apply_agents(desk: AtMakingDesk, body: Bundle) -> Response:
    """Make the workspace say what the files say. A second time changes nothing."""
    if body.dry_run:
        return answer(await desk.read(_dry, desk, body))

    def work(session: Session, principal: Principal) -> BundleAnswer:
        found = _plan(session, principal, desk, body)
        applied = apply_plan(session, principal, found, reason=body.reason)
        return _told(found, applied)

    return answer(await desk.make("agents.apply", body.model_dump(mode="json"), work))


def _dry(session: Session, viewer: Principal, desk: Desk, body: Bundle) -> BundleAnswer:
    return _told(_plan(session, viewer, desk, body), [])


def _plan(session: Session, principal: Principal, desk: Desk, body: Bundle) -> Plan:
    knowledge = model_knowledge(desk.house.services.providers, desk.house.services.prices)
    facts = gather(session, principal, known_model=knowledge.known_model, has_price=knowledge.has_price)
    files = [read_texts(item.folder, item.agent_yaml, item.sop_md) for item in body.agents]
    return plan(session, principal, files, facts=facts)


def _told(found: Plan, applied: list[Applied]) -> BundleAnswer:
    planned = [Planned(item.file.slug, item.kind, item.freezes, item.findings) for item in found.items]
    return BundleAnswer(planned, plan_text(found), applied)


@router.get("/v1/{workspace}/agents:export", response_model=Texts)
async def export_agents(
    desk: AtDesk, agent: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")] = None
) -> Response:
    """Every agent (or the one named) at its newest revision, as files."""
    return answer({"agents": await desk.read(_texts, agent)})


def _texts(session: Session, viewer: Principal, agent: str | None) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    for file in export(session, viewer, agent=agent):
        about, sop = written(file)
        told.append({"folder": file.slug, "agent_yaml": about, "sop_md": sop})
    return told
