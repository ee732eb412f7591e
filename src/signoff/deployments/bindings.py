"""What an environment lacks for a revision to serve there."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.agents.revisions import revision_body
from signoff.agents.signed_bundle import Missing, bindings_missing, holes_of, missing_in
from signoff.tables.agents import Agent, Revision
from signoff.tables.bundles import RevisionOrigin
from signoff.tables.people import Environment


def lacking(session: Session, place: Environment, target: Revision) -> list[Missing]:
    """Return the bindings that a revision needs and an environment does not give."""
    holes = holes_of(session, place.workspace_id, revision_body(session, target.id))
    return missing_in(session, place.workspace_id, place.id, holes)


def refuse_lacking(session: Session, agent: Agent, place: Environment, target: Revision) -> None:
    """Return quietly, or refuse to let a revision serve where it could not work.

    Raises:
        BindingsMissing: `extra["missing"]` names every binding.
    """
    if found := lacking(session, place, target):
        words = f"{place.slug} lacks what revision {target.number} of {agent.slug} needs"
        raise bindings_missing(found, words, "Set it up there first. Nothing was changed.")


def refuse_unbound_import(session: Session, agent: Agent, place: Environment, target: Revision) -> None:
    """`refuse_lacking` for a revision that came in a bundle: nobody has seen it work here.

    One that was frozen here was checked against this workspace when it was; what is missing then is a warning.
    """
    if session.get(RevisionOrigin, target.id) is not None:
        refuse_lacking(session, agent, place, target)
