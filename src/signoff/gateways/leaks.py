"""A secret's value that was caught where it must not be: masked, and on record in the transaction of its step.

What is masked harms nobody any more. That it was there at all is a fact about the revision: a release whose revision
does what the one before it did not goes back by it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from sqlalchemy.orm import Session

from signoff.connections.placeholders import names_in
from signoff.kit import clock
from signoff.runs.facts import RunContext
from signoff.tables.prepared import Prepared
from signoff.tables.signals import Leak
from signoff.tables.upsert import in_each

LeakPlace = Literal["prompt", "answer", "arguments", "result"]
_NAME_CHARS_MAX = 200
_EACH_MAX = 20
_ADD = Prepared(in_each(Leak, lambda into: into.on_conflict_do_nothing()))


def masked_names(before: Any, after: Any) -> frozenset[str]:
    """Return the secrets whose values were masked between the two: by the marks that came in."""
    if after is before or after == before:
        return frozenset()
    new = names_in(after if isinstance(after, str | dict | list) else repr(after))
    return (new - names_in(before if isinstance(before, str | dict | list) else repr(before))) or new


def leaking(
    run: RunContext, step_key: str, place: LeakPlace, what: str, names: frozenset[str]
) -> Callable[[Session], object]:
    """Return what writes it down once the step ends."""
    return partial(note_leaks, run=run, step_key=step_key, place=place, what=what, names=names)


def note_leaks(
    session: Session, *, run: RunContext, step_key: str, place: LeakPlace, what: str, names: frozenset[str]
) -> None:
    """Keep that the values of these secrets were seen there; of a run, each place is told once."""
    about = {
        "run_id": run.run_id, "place": place, "what": what[:_NAME_CHARS_MAX], "workspace_id": run.workspace_id,
        "agent_id": run.agent_id, "environment_id": run.environment_id, "step_key": step_key, "at": clock.now(),
    }  # fmt: skip
    for name in sorted(names)[:_EACH_MAX]:
        # Calls of one turn end beside each other, and may have seen the same value: the first is kept.
        _ADD.run(session, {**about, "secret": name[:_NAME_CHARS_MAX]})
