"""Which runs a list shows: every filter combines with every other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import aliased

from signoff.kit import ids
from signoff.kit.clock import as_utc
from signoff.kit.text import storable
from signoff.people.access import Principal, reach
from signoff.people.roles import Action
from signoff.people.visible import granted_agents
from signoff.runs.states import REHEARSALS
from signoff.tables.agents import Agent
from signoff.tables.people import Environment
from signoff.tables.runs import Run

_TEXT_CHARS = 200
# Rehearsals are told of with their release or evaluation: nothing that is said of an agent's work counts them.
NO_REHEARSAL = and_(*(Run.mode != one for one in REHEARSALS))
# Runs that a run of another agent asked for: all runs, these alone, or none of them.
Children = Literal["all", "only", "without"]


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What to show; None or empty means all.

    Args:
        agent: slug or id. revision: id (`rev_…`) or number. environment: slug or id.
        since, until: by when the run was asked for; `until` is excluded.
        text: looked for in title, id, agent, external id and the beginning of the input.
        children: runs that other runs asked for, alone or left out.
        code, failed_step: how and where a run failed, exactly; an empty `failed_step` is "at no step".
    """

    agent: str | None = None
    revision: str | int | None = None
    states: tuple[str, ...] = ()
    source: str | None = None
    origin: str | None = None
    environment: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    needs_attention: bool | None = None
    replay_of: str | None = None
    code: str | None = None
    failed_step: str | None = None
    children: Children = "all"


def visible(viewer: Principal, action: Action = "run.read") -> list[ColumnElement[bool]]:
    """Return what bounds every list of runs for this viewer: the workspace, the key's environment, their own, and
    those of agents they hold a grant on."""
    bounds: list[ColumnElement[bool]] = [Run.workspace_id == viewer.workspace_id]
    if viewer.environment_id:
        bounds.append(Run.environment_id == viewer.environment_id)
    far = reach(viewer, action)
    if far == "all":
        return bounds
    ways: list[ColumnElement[bool]] = [false()]
    if far == "own":
        mine = select(Agent.id).where(
            Agent.workspace_id == viewer.workspace_id, or_(Agent.owner_id == viewer.id, Agent.backup_id == viewer.id)
        )
        ways += [Run.requested_by == viewer.id, Run.agent_id.in_(mine)]
    granted = granted_agents(viewer, action)
    if granted is not None:
        ways.append(Run.agent_id.in_(granted))
    bounds.append(or_(*ways))
    return bounds


def conditions(wanted: RunFilter, workspace_id: str, *, is_all: bool = False) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter.

    Args:
        is_all: nothing else bounds the list than its workspace.
    """
    found: list[ColumnElement[bool]] = []
    equals: tuple[tuple[Any, Any], ...] = (
        (Run.source, wanted.source),
        (Run.origin, wanted.origin),
        (Run.needs_attention, wanted.needs_attention),
        (Run.replay_of, wanted.replay_of),
        (Run.code, wanted.code),
        (Run.failed_step, wanted.failed_step or None),
    )
    found += [column == value for column, value in equals if value is not None]
    if wanted.failed_step == "":
        found.append(Run.failed_step.is_(None))
    if wanted.children != "all":
        is_child = Run.parent_run_id.is_not(None)
        found.append(is_child if wanted.children == "only" else ~is_child)
    if wanted.states:
        found.append(Run.state.in_(wanted.states))
    found += _by_agent(wanted, workspace_id)
    # Ids sort by the moment they were made, so a span of time is a span of the index every list is read from.
    if wanted.since:
        found.append(Run.id >= ids.first_at("run", as_utc(wanted.since)))
    if wanted.until:
        found.append(Run.id < ids.first_at("run", as_utc(wanted.until)))
    words = storable(wanted.text or "")[:_TEXT_CHARS].lower().split()
    if words and is_all and not found:
        # Words alone are asked of `ix_runs_search` row by row, from the newest on, until the page is full.
        found += [Run.search_text.contains(word, autoescape=True) for word in words]
    elif words:
        # Beside other conditions the index of those is read, and it does not hold the text.
        searched = aliased(Run)
        found.append(
            Run.id.in_(
                select(searched.id).where(
                    searched.workspace_id == workspace_id,
                    *(searched.search_text.contains(word, autoescape=True) for word in words),
                )
            )
        )
    return found


def _by_agent(wanted: RunFilter, workspace_id: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.agent:
        is_id = wanted.agent.startswith("agt_")
        agent = Agent.id == wanted.agent if is_id else Agent.slug == wanted.agent
        found.append(
            Run.agent_id == select(Agent.id).where(Agent.workspace_id == workspace_id, agent).scalar_subquery()
        )
    if wanted.revision is not None:
        text = str(wanted.revision)
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        found.append(Run.revision_number == int(text) if is_number else Run.revision_id == text)
    if wanted.environment:
        is_id = wanted.environment.startswith("env_")
        place = Environment.id == wanted.environment if is_id else Environment.slug == wanted.environment
        found.append(
            Run.environment_id
            == select(Environment.id).where(Environment.workspace_id == workspace_id, place).scalar_subquery()
        )
    return found
