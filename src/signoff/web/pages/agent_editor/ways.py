"""The ways back and forth of a draft: what was typed is saved first, so that none of them loses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.actions import redo_draft, save_draft_or_keep, undo_draft
from signoff.agents.diff import diff
from signoff.agents.queries import draft_of
from signoff.deployments.resetting import LAST, LIVE, reset_draft_to
from signoff.people.access import Principal
from signoff.tables.session import Store
from signoff.web.flash import Flash
from signoff.web.forms import Form

Way = Callable[[Session, Principal, str, int], int]


def way_of(verb: str, fields: Form) -> Way:
    """Return what a button asks for."""
    to = LIVE if fields.text("reset-to") == LIVE else LAST
    ways: dict[str, Way] = {
        "undo": lambda session, viewer, agent, version: undo_draft(session, viewer, agent, version=version),
        "redo": lambda session, viewer, agent, version: redo_draft(session, viewer, agent, version=version),
        "reset": lambda session, viewer, agent, version: reset_draft_to(
            session, viewer, agent, to=to, version=version
        ),
    }  # fmt: skip
    return ways[verb]


def go(store: Store, viewer: Principal, agent: str, way: Way, *, body: Mapping[str, Any], version: int) -> int:
    """Save what was typed, if it says anything new, then go; return the new version.

    Raises:
        StaleDraft: somebody saved since `version` was opened; what was typed is kept.
    """
    with store.read() as session:
        is_typed = not diff(draft_of(session, viewer, agent).body, body).is_empty
    if is_typed:
        version = save_draft_or_keep(store, viewer, agent, body=body, version=version)
    with store.write() as session:
        return way(session, viewer, agent, version)


def told(verb: str, version: int) -> Flash:
    """Return what is said afterwards."""
    if verb == "undo":
        return Flash("The last change is undone", f"The draft is version {version} now. Redo brings it back.")
    if verb == "redo":
        return Flash("What was undone is back", f"The draft is version {version} now.")
    return Flash("The draft is reset", f"It is version {version} now. Undo brings back what it was.")
