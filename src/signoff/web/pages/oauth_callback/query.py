"""What the page says when an authorisation did not work out."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.connections.logins.authorising import NotAuthorised, Return, returning
from signoff.people import queries
from signoff.people.access import Principal

_TEXT_MAX = 2_000


@dataclass(frozen=True, slots=True)
class CallbackView:
    """The page. `again` is where to try again; empty when it is not known what was to be authorised."""

    reason: str
    again: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who came back, and what to do with it."""

    back: Return
    principal: Principal

    @property
    def path(self) -> str:
        """Return the address of the connection."""
        return f"/w/{self.back.workspace_slug}/connections/{self.back.connection_id}"


def load(session: Session, state: str, browser: str, *, idle_seconds: int) -> Arrival:
    """Return who came back with `state`.

    Raises:
        NotAuthorised: the state is not this browser's, or was used, or is too old.
        NotSignedIn: the session has ended.
        NotFound: they left the workspace meanwhile.
    """
    if not state or len(state) > _TEXT_MAX:
        raise NotAuthorised("The provider sent nobody back: the address lacks its state. Begin at the connection.")
    back = returning(session, state, browser)
    seen = queries.principal_of_session(session, browser, idle_seconds=idle_seconds, workspace_slug=back.workspace_slug)
    return Arrival(back, seen.principal)
