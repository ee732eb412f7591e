"""Which values trusted results name: those that came from the tool, not those that the agent itself had told it.

What the model puts into a call after it has read what nobody vouches for may be what that text wanted said. A trusted
tool that repeats it ("Nobody called … is known"), or gives it back from where an earlier call wrote it, adds nothing.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.flow.vocabulary import NOTHING, Vocabulary
from signoff.kit.dotted import MISSING, value_at
from signoff.runs.facts import RunContext
from signoff.runs.marks import Marks, is_marked
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Step

# Of a run that called so many tools since it was last asked about, the first so many are looked through.
_RESULTS_MAX = 200
_RECENT_MAX = 128
_Kept = TypeVar("_Kept")
_CALLS = Prepared(
    select(Step.seq, Step.request, Step.response, Step.detail)
    .where(
        Step.run_id == bindparam("of_run"),
        Step.seq > bindparam("after"),
        Step.kind == "tool",
        Step.ended_at.is_not(None),
    )
    .order_by(Step.seq)
    .limit(_RESULTS_MAX)
)


class Recent(Generic[_Kept]):
    """What was made of the newest runs; what falls out is made again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, run_id: str) -> _Kept | None:
        """Return what is kept of a run, or None."""
        with self._lock:
            return self._kept.get(run_id)

    def put(self, run_id: str, made: _Kept) -> None:
        """Keep what was made of a run."""
        with self._lock:
            self._kept[run_id] = made
            self._kept.move_to_end(run_id)
            while len(self._kept) > _RECENT_MAX:
                self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was looked through up to a step: the values trusted results name, and those the agent itself has told."""

    last: int = 0
    named: Vocabulary = NOTHING
    told: Vocabulary = NOTHING


_known: Recent[_Known] = Recent()


def named_by_tools(session: Session, run: RunContext, call: ToolCall, marks: Marks | None) -> Vocabulary:
    """Return what trusted results of earlier turns name. Those that were looked through before are not read again."""
    known = _known.get(run.run_id) or _Known()
    rows = [
        row
        for row in _CALLS.all(session, {"of_run": run.run_id, "after": known.last})
        if row.detail.get("turn", 0) < call.turn
    ]
    for row in rows:
        # Calls of one turn run beside each other: each may give what another one wrote.
        beside = [other for other in rows if other.detail.get("turn", 0) <= row.detail.get("turn", 0)]
        told = known.told.plus(Vocabulary.of(*(_told(other, marks) for other in beside if other.seq >= row.seq)))
        named = known.named
        if _is_trusted(row.detail):
            named = named.plus(Vocabulary.of(row.response).without(told))
        known = _Known(row.seq, named, known.told.plus(Vocabulary.of(_told(row, marks))))
    _known.put(run.run_id, known)
    return known.named


def _told(row: Any, marks: Marks | None) -> str:
    """Return what the agent put into a call, if it had read something untrusted by then and the call was made."""
    detail: dict[str, Any] = row.detail
    if "settled_by" in detail or not is_marked(marks, "untrusted", before_turn=int(detail.get("turn", 0))):
        return ""
    args = value_at(row.request, "args")
    # As JSON: names of fields are told as well as values.
    return "" if args is MISSING else json.dumps(args, ensure_ascii=False)


def _is_trusted(detail: dict[str, Any]) -> bool:
    flow: dict[str, Any] = detail.get("flow") or {}
    return flow.get("integrity") == "trusted"
