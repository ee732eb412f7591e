"""What must hold before the process serves anyone. A refusal names the next command to type."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from signoff.app.objections import mail_objections, objections
from signoff.kit.errors import Fault
from signoff.settings import Settings
from signoff.tables.schema import USABLE, newer_sentence, schema_state
from signoff.tables.session import Store


class NotReadyToStart(Fault):
    """The process must not serve like this."""


def check_settings(settings: Settings) -> None:
    """Refuse what cannot work, and in production what is fine for a trial only; every objection at once.

    Raises:
        NotReadyToStart: with one line for each.
    """
    found = mail_objections(settings)
    if settings.is_production:
        found = [*objections(settings), *found]
    if found:
        head = "Production does not start like this:\n- " if settings.is_production else ""
        raise NotReadyToStart(head + ("\n- " if head else "\n").join(found))


def check_schema(store: Store) -> None:
    """Refuse a database that is not at this release's schema.

    Raises:
        NotReadyToStart: unmigrated, behind, newer, or out of reach.
    """
    try:
        state = schema_state(store.engine)
    except SQLAlchemyError as error:
        raise NotReadyToStart(
            f"The database cannot be reached ({type(error).__name__}). Check SIGNOFF_DATABASE_URL and that it runs."
        ) from error
    if state == "newer":
        raise NotReadyToStart(newer_sentence())
    if state not in USABLE:
        word = "has no tables yet" if state == "empty" else "has the schema of an older release"
        raise NotReadyToStart(f"The database {word}. Run: signoff migrate")
