"""What the page of all workspaces shows."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.people.access import Principal
from signoff.people.instance_queries import WorkspaceCounts, instance_workspaces
from signoff.web.refused import NOT_REFUSED, Refused


@dataclass(frozen=True, slots=True)
class InstanceView:
    """The page. `link`: how a new owner gets in, shown this once; `note`: why there is none."""

    rows: tuple[WorkspaceCounts, ...]
    q: str
    older: str | None
    is_later_page: bool
    here: str
    refused: Refused
    made: str
    link: str
    note: str


def load(
    session: Session,
    viewer: Principal,
    *,
    q: str = "",
    cursor: str | None = None,
    refused: Refused = NOT_REFUSED,
    made: str = "",
    link: str = "",
    note: str = "",
) -> InstanceView:
    """Return the view. The session must see every workspace.

    Raises:
        NotAllowed: the viewer is no instance administrator.
    """
    page = instance_workspaces(session, viewer, q=q, cursor=cursor)
    older = {"q": q, "cursor": page.next_cursor or ""}
    return InstanceView(
        rows=tuple(page.rows),
        q=q[:100],
        older="/instance/workspaces?" + urlencode(older) if page.next_cursor else None,
        is_later_page=cursor is not None,
        here=viewer.workspace_id,
        refused=refused,
        made=made,
        link=link,
        note=note,
    )
