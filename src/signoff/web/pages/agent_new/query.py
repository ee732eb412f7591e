"""What the page for a new agent shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from signoff.agents.findings import Finding
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal, authorize, can
from signoff.people.queries import members
from signoff.web.forms import Form

SKELETON = """# Goal
Say in one sentence what is done when this agent has done its work.

# Steps
1. Read the input.
2. Name each tool where it is used, like @mail.read_message. Type @ to see them.
3. Give the result.

# Limits
- Never make up a fact. What the input does not say stays empty.
- Say what to do when something does not fit: stop, and name the reason.
"""


@dataclass(frozen=True, slots=True)
class NewAgentView:
    """The form as it was filled in, with what was wrong. `way` is form or yaml."""

    way: str
    form: Form
    people: tuple[tuple[str, str], ...]
    me: str
    model: str
    skeleton: str = SKELETON
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    findings: tuple[Finding, ...] = ()

    @property
    def notes(self) -> list[tuple[str, str, str, None]]:
        """Return the findings as the component for checks takes them."""
        return [
            ("bad" if one.severity == "error" else "wait", f"Line {one.line}: {one.text}" if one.line else one.text,
             one.fix, None)
            for one in self.findings
        ]  # fmt: skip


def load(
    session: Session,
    viewer: Principal,
    *,
    way: str,
    default_model: str | None,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
    findings: Sequence[Finding] = (),
) -> NewAgentView:
    """Return the view.

    Raises:
        NotAllowed: the viewer may not make agents.
    """
    authorize(viewer, "agent.create")
    people: list[tuple[str, str]] = [(viewer.id, viewer.name)]
    if can(viewer, "member.read"):
        everyone = members(session, viewer, size=PAGE_SIZE_MAX).rows
        people = sorted(((one.id, one.name) for one in everyone), key=lambda pair: pair[1].casefold())
    return NewAgentView(
        way="yaml" if way == "yaml" else "form",
        form=form or Form(),
        people=tuple(people),
        me=viewer.id,
        model=default_model or "",
        problem=problem,
        errors=errors or {},
        findings=tuple(findings),
    )
