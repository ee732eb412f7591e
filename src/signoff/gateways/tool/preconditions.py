"""Which preconditions of a call do not hold: read from the steps of its run, in one query, and only where there are.

A call counts when it came out well, in an earlier turn of this very run, whatever the leg: what runs beside this call
has told the model nothing yet. Of the calls about the same thing the last one counts, because the world moves on.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from signoff.agents.body import AllowedTool
from signoff.agents.rules import Requirement
from signoff.approvals.templates import is_blank
from signoff.gateways.tool.call import ToolCall
from signoff.kit.canonical import canonical_json
from signoff.kit.dotted import MISSING, parsed, value_at
from signoff.kit.json_schemas import problems
from signoff.runs.facts import RunContext
from signoff.runs.states import REHEARSALS
from signoff.tables.runs import Effect, Step

# Newest first; a run that looked up more than this before it acts has to look again.
_LOOKED_AT = 1_000
_PIECE = 50
_STATES = {
    "live": ("completed",),
    "sandbox": ("completed", "simulated"),
    "replay": ("completed", "cached"),
    **dict.fromkeys(REHEARSALS, ("completed", "simulated", "cached")),
}


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A call that came out well."""

    name: str
    args: Any
    result: Any


def unmet_requirements(
    session: Session, run: RunContext, call: ToolCall, allowed: AllowedTool | None
) -> tuple[str, ...]:
    """Return, a sentence each, which preconditions of a call do not hold."""
    wanted = allowed.requires if allowed is not None else []
    if not wanted:
        return ()
    still_open = dict(enumerate(wanted))
    near: dict[int, str] = {}
    with closing(_earlier(session, run, call, {requirement.tool for requirement in wanted})) as calls:
        for earlier in calls:
            for number, requirement in list(still_open.items()):
                if earlier.name != requirement.tool or not _is_same(requirement, call, earlier):
                    continue
                # The last call about this very thing settles it, either way.
                del still_open[number]
                wrong = _wrong_fields(requirement, earlier)
                if wrong:
                    near[number] = f"{requirement.tool} was called for it, but {'; '.join(wrong)}"
            if not still_open:
                break
    unmet = near | {number: _not_called(requirement) for number, requirement in still_open.items()}
    return tuple(unmet[number] for number in sorted(unmet))


def _earlier(session: Session, run: RunContext, call: ToolCall, tools: set[str]) -> Generator[_Earlier]:
    found = (
        select(Step.name, Step.state, Step.request, Step.response, Step.detail, Effect.result, Effect.settlement)
        .outerjoin(Effect, and_(Effect.key == Step.key, Effect.state == "settled"))
        .where(
            Step.run_id == run.run_id,
            Step.kind == "tool",
            Step.name.in_(tools),
            Step.key != call.key,
            or_(Step.state.in_(_STATES.get(run.mode, ("completed",))), Effect.settlement == "happened"),
        )
        .order_by(Step.seq.desc())
        .limit(_LOOKED_AT)
        .execution_options(yield_per=_PIECE)
    )
    # Closed by whoever found what they looked for, too: some databases keep a cursor for it.
    with closing(session.execute(found)) as rows:
        for row in rows:
            turn = row.detail.get("turn")
            if not isinstance(turn, int) or turn >= call.turn:
                continue
            args = value_at(row.request, "args")
            if row.settlement == "happened":
                yield _Earlier(row.name, args, row.result)
            elif value_at(row.detail, "outcome.kind") == "value":
                yield _Earlier(row.name, args, row.response)


def _is_same(requirement: Requirement, call: ToolCall, earlier: _Earlier) -> bool:
    for argument, source in requirement.same.items():
        root, _, path = source.partition(".")
        mine = value_at(call.args, argument)
        other = value_at(earlier.args if root == "args" else parsed(earlier.result), path)
        if mine is MISSING or other is MISSING or is_blank(mine) or canonical_json(mine) != canonical_json(other):
            return False
    return True


def _wrong_fields(requirement: Requirement, earlier: _Earlier) -> Sequence[str]:
    found: list[str] = []
    result = parsed(earlier.result)
    for path, schema in requirement.result.items():
        value = value_at(result, path)
        if value is MISSING:
            found.append(f"its result has no {path}")
        elif problems(value, schema):
            found.append(f"the {path} of its result is not what this agent needs")
    return found


def _not_called(requirement: Requirement) -> str:
    if not requirement.same:
        return f"{requirement.tool} has not succeeded in this run yet"
    ties = " and ".join(requirement.same)
    return f"{requirement.tool} has not succeeded in this run for this {ties} yet"
