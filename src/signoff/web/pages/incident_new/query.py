"""What the form that declares an incident shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from signoff.agents.queries import agent_names
from signoff.incidents.rules import rules
from signoff.incidents.states import SEVERITY_WORDS, SYMPTOMS
from signoff.people.access import Principal, authorize
from signoff.people.queries import environments
from signoff.runs import queries
from signoff.web.forms import Form


@dataclass(frozen=True, slots=True)
class DeclareView:
    """The form. `form`: what stands in its fields; `shows`: the run that brought somebody here."""

    form: Form
    agents: tuple[tuple[str, str], ...]
    environments: tuple[tuple[str, str], ...]
    symptoms: tuple[tuple[str, str], ...]
    severities: tuple[tuple[str, str], ...]
    shows: str = ""
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


def load(
    session: Session,
    viewer: Principal,
    form: Form,
    *,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> DeclareView:
    """Return the view.

    Raises:
        NotAllowed: the viewer may declare none.
        NotFound: the run that is to show it is not there for the viewer.
    """
    authorize(viewer, "incident.declare")
    run = queries.run(session, viewer, form.text("run")).run if form.text("run") else None
    if run is not None and "agent" not in form:
        form = Form({**form.values, "agent": (run.agent_slug,)})
    return DeclareView(
        form=form,
        agents=(("", "The whole workspace"), *((one.slug, one.name) for one in agent_names(session, viewer))),
        environments=(("", "Production"), *((one.slug, one.name) for one in environments(session, viewer))),
        symptoms=tuple((name, rules().of_symptom(name).words) for name in reversed(SYMPTOMS)),
        severities=(("", "As the rule says"), *SEVERITY_WORDS.items()),
        shows=run.title if run is not None else "",
        problem=problem,
        errors=errors or {},
    )
