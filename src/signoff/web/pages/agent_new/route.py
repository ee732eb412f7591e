"""GET the form; POST it."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.agents.actions import create_agent
from signoff.agents.findings import Finding
from signoff.agents.owners import members_by_email
from signoff.agents.queries import agent_by_slug
from signoff.kit.errors import Malformed, NotAllowed, Refusal
from signoff.kit.text import slug_from
from signoff.people.access import Principal, authorize
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_new.query import load
from signoff.web.pages.agent_new.yaml_agent import errors_of, read_pasted

router = APIRouter()
page = Page(__file__)


class YamlRefused(Malformed):
    """The pasted text is no agent; `findings` says why, line by line."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("The YAML cannot become an agent yet. Each line below says what to correct.")
        self.findings = tuple(findings)


@router.get("/agents/new")
def agent_new(request: Request, looker: Looker) -> Response:
    """The empty form. `?from=yaml` takes YAML."""
    house = house_of(request)
    way = request.query_params.get("from", "form")
    with house.store.read() as session:
        view = load(session, looker.viewer, way=way, default_model=house.settings.default_model)
    return page.draw(request, "page.html", view)


@router.post("/agents/new")
def make(request: Request, looker: Looker, fields: Fields) -> Response:
    """Make it, and go on to its editor."""
    house, way = house_of(request), fields.text("way")
    try:
        with house.store.write() as session:
            slug = (_from_yaml if way == "yaml" else _from_form)(session, looker.viewer, fields)
    except NotAllowed:
        raise
    except Refusal as refusal:
        findings = refusal.findings if isinstance(refusal, YamlRefused) else ()
        with house.store.read() as session:
            view = load(
                session, looker.viewer, way=way, default_model=house.settings.default_model, form=fields,
                problem=refusal.detail, errors=refusal.errors, findings=findings,
            )  # fmt: skip
        return page.draw(request, "page.html", view, status=refusal.status)
    welcome = Flash("The agent is there", "Nothing runs before its first revision: finish the draft, then freeze it.")
    return see_other(request, looker.chrome.href(f"/agents/{slug}/edit"), welcome)


def _from_form(session: Session, viewer: Principal, fields: Form) -> str:
    name = fields.text("name").strip()
    agent_id = create_agent(
        session,
        viewer,
        slug=fields.text("slug").strip() or slug_from(name),
        name=name,
        description=fields.text("description"),
        body={"sop": fields.text("sop"), "model": {"name": fields.text("model").strip()}},
        tags=[tag.strip() for tag in fields.text("tags").split(",") if tag.strip()],
        owner_id=fields.text("owner") or None,
        backup_id=fields.text("backup") or None,
    )
    return agent_by_slug(session, viewer, agent_id).slug


def _from_yaml(session: Session, viewer: Principal, fields: Form) -> str:
    authorize(viewer, "agent.create")
    found = read_pasted(fields.text("yaml"), fields.text("sop"))
    if faults := errors_of(found):
        raise YamlRefused(faults)
    known = members_by_email(session, viewer.workspace_id, [found.owner, found.backup])
    # People of the workspace it came from may be strangers here: then whoever pastes it owns it.
    agent_id = create_agent(
        session,
        viewer,
        slug=found.slug,
        name=found.name,
        description=found.description,
        body=found.body,
        tags=found.tags,
        owner_id=known.get((found.owner or "").lower()),
        backup_id=known.get((found.backup or "").lower()),
    )
    return agent_by_slug(session, viewer, agent_id).slug
