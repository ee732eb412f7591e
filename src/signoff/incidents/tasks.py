"""What has to be done: ticked, given to somebody, added as something that follows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from signoff.agents.lookup import member_of
from signoff.incidents.lookup import incident_for
from signoff.incidents.writing import add_entry, checked, leave_room, note
from signoff.kit import clock, ids
from signoff.kit.errors import NotFound, NotNow, TooMuch
from signoff.people.access import Principal
from signoff.tables.incidents import IncidentTask
from signoff.tables.people import Member, Person

TASKS_MAX = 100
TITLE_CHARS_MAX = 500


def add_task(
    session: Session,
    principal: Principal,
    incident_id: str,
    *,
    title: str,
    owner_id: str | None = None,
    due_at: datetime | None = None,
) -> str:
    """Say what follows from it, who does it and by when. Returns the task's id.

    Raises:
        NotFound: there is no such incident here.
        NotAllowed: the caller may not see to it.
        Malformed: no title, or an owner who is no active member.
        TooMuch: it has as many tasks as are kept.
    """
    row = incident_for(session, principal, incident_id, "incident.manage", lock=True)
    count = session.scalar(select(func.count()).where(IncidentTask.incident_id == row.id)) or 0
    if count >= TASKS_MAX:
        raise TooMuch(f"An incident has at most {TASKS_MAX} tasks.")
    leave_room(session, row)
    owner = member_of(session, row.workspace_id, owner_id, "owner")
    task = IncidentTask(
        id=ids.new_id("itk"), workspace_id=row.workspace_id, incident_id=row.id, kind="follow_up", key=None,
        title=checked(title, "title", most=TITLE_CHARS_MAX), owner_id=owner, owner_name=_name(session, owner),
        due_at=due_at, made_by_name=principal.name, made_at=clock.now(),
    )  # fmt: skip
    session.add(task)
    session.flush()
    add_entry(session, row, principal.actor, "task", f"To do: {task.title}", {"task": task.id})
    note(session, row, principal.actor, "incident.task_added", {"task": task.id, "owner": owner})
    return task.id


def give_task(
    session: Session,
    principal: Principal,
    incident_id: str,
    task_id: str,
    *,
    owner_id: str | None,
    due_at: datetime | None = None,
) -> None:
    """Say who does a task, and by when; `owner_id` None: nobody yet.

    Raises:
        NotFound: there is no such incident or task here.
        NotAllowed: the caller may not see to it.
        Malformed: the owner is no active member.
        NotNow: it is done.
    """
    row = incident_for(session, principal, incident_id, "incident.manage")
    owner = member_of(session, row.workspace_id, owner_id, "owner")
    values = {"owner_id": owner, "owner_name": _name(session, owner), "due_at": due_at}
    _change(session, row.id, task_id, is_done=False, values=values)
    note(session, row, principal.actor, "incident.task_given", {"task": task_id, "owner": owner})


def finish_task(session: Session, principal: Principal, incident_id: str, task_id: str) -> None:
    """Say that a task is done; else as `give_task`."""
    row = incident_for(session, principal, incident_id, "incident.manage")
    values = {"done_at": clock.now(), "done_by": principal.id, "done_by_name": principal.name}
    title = _change(session, row.id, task_id, is_done=False, values=values)
    add_entry(session, row, principal.actor, "task_done", f"Done: {title}", {"task": task_id})
    note(session, row, principal.actor, "incident.task_done", {"task": task_id})


def reopen_task(session: Session, principal: Principal, incident_id: str, task_id: str) -> None:
    """Say that a task is not done after all; else as `give_task`.

    Raises:
        NotNow: it is not done.
    """
    row = incident_for(session, principal, incident_id, "incident.manage")
    values = {"done_at": None, "done_by": None, "done_by_name": None}
    title = _change(session, row.id, task_id, is_done=True, values=values)
    add_entry(session, row, principal.actor, "task_reopened", f"Not done after all: {title}", {"task": task_id})
    note(session, row, principal.actor, "incident.task_reopened", {"task": task_id})


def _change(session: Session, incident_id: str, task_id: str, *, is_done: bool, values: dict[str, Any]) -> str:
    """Change a task that is done, or one that is not; return its title."""
    of = (IncidentTask.id == task_id, IncidentTask.incident_id == incident_id)
    state = IncidentTask.done_at.is_not(None) if is_done else IncidentTask.done_at.is_(None)
    changed = session.execute(
        update(IncidentTask)
        .where(*of, state)
        .values(**values)
        .returning(IncidentTask.title)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if changed is not None:
        return changed.title
    if session.scalar(select(IncidentTask.id).where(*of)) is None:
        raise NotFound("There is no such task in this incident.")
    raise NotNow("This task is not done." if is_done else "This task is done already.", code="task_moved")


def _name(session: Session, member_id: str | None) -> str | None:
    if member_id is None:
        return None
    return session.scalar(
        select(Person.name).join(Member, Member.person_id == Person.id).where(Member.id == member_id)
    )  # fmt: skip
