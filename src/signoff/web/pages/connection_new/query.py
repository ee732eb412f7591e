"""What the form for a new connection shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.access import Principal, authorize
from signoff.people.queries import environments
from signoff.settings import Settings
from signoff.web.connection_form import Choices, choices_of
from signoff.web.connection_words import BY_KIND, KINDS, KindWords
from signoff.web.forms import Form


@dataclass(frozen=True, slots=True)
class NewConnectionView:
    """The form as it was filled in, with what was wrong. `kind` None: none is chosen yet."""

    kind: KindWords | None
    environment: str
    places: tuple[tuple[str, str], ...]
    form: Form
    choices: Choices
    problem: str
    errors: Mapping[str, Sequence[str]]
    kinds: tuple[KindWords, ...] = KINDS

    def path(self, kind: str) -> str:
        """Return the address of the form for a kind, below the workspace."""
        return f"/connections/new?kind={kind}&environment={self.environment}"


def load(
    session: Session,
    viewer: Principal,
    settings: Settings,
    *,
    kind: str,
    environment: str,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> NewConnectionView:
    """Return the view.

    Raises:
        NotAllowed: the viewer may not make connections.
    """
    authorize(viewer, "connection.manage")
    places = tuple((place.slug, place.name) for place in environments(session, viewer))
    chosen = environment if environment in dict(places) else places[-1][0]
    return NewConnectionView(
        kind=next((words for name, words in BY_KIND.items() if name == kind), None),
        environment=chosen,
        places=places,
        form=form or Form(),
        choices=choices_of(settings),
        problem=problem,
        errors=errors or {},
    )
