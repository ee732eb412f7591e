"""The one text of an agent that can change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.agents import actions, queries
from signoff.agents.facts import gather
from signoff.agents.findings import Finding, has_errors
from signoff.agents.lint import LintFacts, lint
from signoff.agents.views import DraftFacts
from signoff.api.answers import answer
from signoff.api.desk import AgentName, AtDesk, Desk
from signoff.api.shapes import Body, Json
from signoff.api.shapes import router as make_router
from signoff.gateways.model.knowledge import model_knowledge
from signoff.kit.errors import Malformed
from signoff.people.access import Principal

router = make_router("drafts")

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", pattern=r'^(W/)?"?[0-9]{1,9}"?$', description="The version the text was opened as."),
]


class SeenVersion(Body):
    """The version the draft was opened as (or the header `If-Match`)."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class NewText(SeenVersion):
    """The whole draft, and the version it was opened as (or the header `If-Match`)."""

    body: Json


class TextToLint(Body):
    """A draft to check without saving it; left out, the saved one is checked."""

    body: Json | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with a draft, errors first. With an error it cannot be frozen."""

    can_freeze: bool
    findings: list[Finding]


@router.get("/v1/{workspace}/agents/{agent}/draft", response_model=DraftFacts)
async def draft(desk: AtDesk, agent: AgentName) -> Response:
    """The draft; `ETag` carries its version."""
    return await draft_answer(desk, agent)


async def draft_answer(desk: Desk, agent: str) -> Response:
    """Answer with the draft as it is now."""
    found = await desk.read(queries.draft_of, agent)
    return answer(found, headers={"ETag": f'"{found.version}"'})


@router.put("/v1/{workspace}/agents/{agent}/draft", response_model=DraftFacts)
async def save_draft(desk: AtDesk, agent: AgentName, body: NewText, if_match: IfMatch = None) -> Response:
    """Replace the draft. If somebody saved since, it is 409 with both texts, and yours is kept."""
    version = seen_version(body.version, if_match)
    await desk.store.run(actions.save_draft_or_keep, desk.store, desk.principal, agent, body=body.body, version=version)
    return await draft_answer(desk, agent)


def seen_version(in_body: int | None, tag: str | None) -> int:
    """Return the version that was seen, said in the body or in the header.

    Raises:
        Malformed: neither says it, or they differ.
    """
    in_header = int(tag.removeprefix("W/").strip('"')) if tag else None
    said = {version for version in (in_body, in_header) if version is not None}
    if len(said) != 1:
        text = "Say the version the text was opened as: `version` in the body, or the header If-Match, and not two."
        raise Malformed(text, errors={"version": ["the number in the draft you opened"]}, code="version_needed")
    return said.pop()


@router.post("/v1/{workspace}/agents/{agent}/draft:lint", response_model=Findings)
async def lint_draft(desk: AtDesk, agent: AgentName, body: TextToLint) -> Response:
    """Check a draft: everything at once, with codes and places. Nothing is saved."""
    return answer(await desk.read(_lint, agent, body.body, desk))


def _lint(session: Session, viewer: Principal, agent: str, text: dict[str, Any] | None, desk: Desk) -> Findings:
    body = queries.draft_of(session, viewer, agent).body if text is None else text
    findings = lint(body, facts=lint_facts(session, viewer, body, desk, agent))
    return Findings(not has_errors(findings), findings)


def lint_facts(session: Session, viewer: Principal, body: dict[str, Any], desk: Desk, agent: str) -> LintFacts:
    """Return what lint may know here: connections and secrets of the workspace, models and prices of the process."""
    knowledge = model_knowledge(desk.house.services.providers, desk.house.services.prices)
    return gather(session, viewer, body, known_model=knowledge.known_model, has_price=knowledge.has_price, agent=agent)
