"""Which memory a call to it concerns: read for such a call only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.flow_facts import label_of
from signoff.gateways.tool.own_tools import is_memory
from signoff.memories.places import NoMemory, Place, place_of_run
from signoff.memories.states import Label
from signoff.runs.facts import RunContext
from signoff.runs.marks import Marks
from signoff.runs.states import STARTED_BY_ITSELF


@dataclass(frozen=True, slots=True)
class MemoryFacts:
    """The memory of the run, or why it has none. `label`: what is written now is marked with it."""

    place: Place | NoMemory
    label: Label


def memory_facts(session: Session, run: RunContext, call: ToolCall, marks: Marks | None) -> MemoryFacts | None:
    """Return the facts, or None when the call is to something else."""
    if not is_memory(call):
        return None
    place = place_of_run(
        session, run.run_id, workspace_id=run.workspace_id, agent_id=run.agent_id, environment_id=run.environment_id,
        memory=run.body.memory, started_by_itself=STARTED_BY_ITSELF,
    )  # fmt: skip
    return MemoryFacts(place, label_of(marks, before_turn=call.turn).integrity)
