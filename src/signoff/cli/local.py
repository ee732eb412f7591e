"""Commands on the machine itself: the operator, on the database and the data folder."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from signoff.cli.exits import NOT_FOUND, USAGE, Stop

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    # Loaded when a command needs them: `--help` answers at once.
    from signoff.people.access import Principal
    from signoff.people.facts import WorkspaceFacts
    from signoff.settings import Settings
    from signoff.tables.session import Store

P = ParamSpec("P")
T = TypeVar("T")


def settings_for(data: Path | None = None) -> Settings:
    """Return the operator's settings, on another data folder when one is given."""
    from signoff.settings import Settings

    return Settings(data_dir=data) if data else Settings()


@contextmanager
def store_for(settings: Settings) -> Generator[Store]:
    """Give the database, when it is at this release's schema.

    Raises:
        NotReadyToStart: with the next command to type.
    """
    from signoff.app.checks import check_schema
    from signoff.tables.session import Store

    store = Store.open(settings.store_url)
    try:
        check_schema(store)
        yield store
    finally:
        store.close()


def workspace_for(store: Store, slug: str | None) -> WorkspaceFacts:
    """Return the workspace named, or the only one there is."""
    from signoff.people import queries

    with store.read() as session:
        found = queries.all_workspaces(session)
    if slug is not None:
        for workspace in found:
            if workspace.slug == slug:
                return workspace
        raise Stop(NOT_FOUND, f"There is no workspace {slug!r}.")
    if not found:
        raise Stop(NOT_FOUND, "There is no workspace yet. Make one: signoff setup-link --email you@example.com")
    if len(found) > 1:
        names = ", ".join(workspace.slug for workspace in found[:20])
        raise Stop(USAGE, f"There are several workspaces ({names}). Say which: --workspace NAME")
    return found[0]


def read_here(
    query: Callable[Concatenate[Session, Principal, P], T],
    workspace: str | None,
    data: Path | None,
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a query as the operator, on the database of the settings, in the workspace named or the only one."""
    with store_for(settings_for(data)) as store:
        here = operator(workspace_for(store, workspace))
        with store.read() as session:
            return query(session, here, *args, **kwargs)


def operator(workspace: WorkspaceFacts) -> Principal:
    """Return whoever sits at the machine; the audit names their account on it."""
    from signoff.people.access import system

    return system(workspace.id, operator_name())


def operator_name() -> str:
    """Return how the audit names whoever sits at the machine."""
    return f"operator {_account()}"


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "(unnamed)"
