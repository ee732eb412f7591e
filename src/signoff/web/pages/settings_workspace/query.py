"""What the page of the workspace shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from sqlalchemy.orm import Session

from signoff.people.access import Principal, can
from signoff.people.actions.instance import may_administer_instance
from signoff.people.facts import WorkspaceFacts
from signoff.people.queries import environments, workspace
from signoff.web.refused import NOT_REFUSED, Refused


@dataclass(frozen=True, slots=True)
class WorkspaceView:
    """The page."""

    workspace: WorkspaceFacts
    environments: int
    may_manage: bool
    is_instance_administrator: bool
    refused: Refused

    @property
    def zones(self) -> tuple[tuple[str, str], ...]:
        """Return the time zones there are, as a select takes them."""
        return _zones()


@cache
def _zones() -> tuple[tuple[str, str], ...]:
    return tuple((zone, zone.replace("_", " ")) for zone in sorted(available_timezones()) if zone != "localtime")


def load(session: Session, viewer: Principal, refused: Refused = NOT_REFUSED) -> WorkspaceView:
    """Return the view."""
    return WorkspaceView(
        workspace=workspace(session, viewer),
        environments=len(environments(session, viewer)),
        may_manage=can(viewer, "workspace.manage"),
        is_instance_administrator=may_administer_instance(session, viewer),
        refused=refused,
    )
