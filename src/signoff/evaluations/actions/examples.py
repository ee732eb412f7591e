"""What is in a dataset: examples come and go, each with a version of the dataset; none is ever changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from signoff.evaluations.limits import (
    EXAMPLES_EVER_MAX,
    EXAMPLES_MAX,
    NOTE_CHARS,
    checked_tags,
    checked_text,
    checked_value,
)
from signoff.evaluations.lookup import dataset_for, example_of
from signoff.evaluations.states import SPLITS, Split
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.runs.input import prepare
from signoff.runs.states import is_over
from signoff.tables.agents import Agent
from signoff.tables.evaluations import Dataset, Example
from signoff.tables.runs import Run


@dataclass(frozen=True, slots=True)
class NewExample:
    """An example as somebody writes it. `expected` None: nothing exact is expected."""

    input: Any
    expected: Any = None
    is_critical: bool = False
    split: Split = "dev"
    tags: Sequence[str] = field(default_factory=tuple[str, ...])
    note: str = ""


@dataclass(frozen=True, slots=True)
class _From:
    """Where an example comes from: a run, or the example it takes the place of."""

    run_id: str | None = None
    replaces: str | None = None
    title: str | None = None


def add_example(
    session: Session,
    principal: Principal,
    dataset_id: str,
    *,
    input: Any,  # noqa: A002
    expected: Any = None,
    is_critical: bool = False,
    split: Split = "dev",
    tags: Sequence[str] = (),
    note: str = "",
) -> str:
    """Add one example; return its id.

    Raises:
        NotFound, NotAllowed, NotNow: there is no such dataset, the caller may not edit it, it is archived or full.
        Malformed: a field does not fit.
    """
    new = NewExample(input, expected, is_critical, split, tags, note)
    return add_examples(session, principal, dataset_id, [new])[0]


def add_examples(session: Session, principal: Principal, dataset_id: str, new: Sequence[NewExample]) -> list[str]:
    """Add examples, all or none, as one version of the dataset; return their ids. Raises as `add_example`."""
    dataset, agent = dataset_for(session, principal, dataset_id, "dataset.edit", lock=True)
    if not new:
        raise Malformed("There is no example to add.", errors={"examples": ["at least one"]})
    _refuse_full(session, dataset, len(new))
    version = dataset.version + 1
    made = [_write(session, principal, dataset, agent, one, version, _From()) for one in new]
    _rise(session, principal, dataset, version, "added", {"examples": len(made), "first": made[0]})
    return made


def add_run_as_example(
    session: Session, principal: Principal, dataset_id: str, run_id: str, *, is_critical: bool = False, note: str = ""
) -> str:
    """Add a run that is over as an example: its input, and its output as what is expected; return the example's id.

    The same run again is answered with the example that is there. What a run that did not complete should have said is
    not known: nothing is expected then, until somebody writes it.

    Raises:
        NotFound: there is no such dataset, or no such run of its agent that the caller may read.
        NotAllowed: the caller may not edit the dataset, or not read the run.
        NotNow: the run is not over, or the dataset is archived or full.
    """
    dataset, agent = dataset_for(session, principal, dataset_id, "dataset.edit", lock=True)
    run = _run_of(session, principal, agent, run_id)
    key = f"{dataset.id}:{run.id}"
    there = session.scalar(select(Example.id).where(Example.present_run == key))
    if there is not None:
        return there
    _refuse_full(session, dataset, 1)
    version = dataset.version + 1
    new = NewExample(run.input, run.output if run.state == "completed" else None, is_critical, note=note)
    made = _write(session, principal, dataset, agent, new, version, _From(run_id=run.id, title=run.title))
    _rise(session, principal, dataset, version, "added", {"examples": 1, "first": made, "run": run.id})
    return made


def change_example(
    session: Session, principal: Principal, dataset_id: str, example_id: str, changes: Mapping[str, Any]
) -> str:
    """Put a changed copy in the place of an example; return the id of that. What is not in `changes` stays.

    Raises:
        NotFound, NotAllowed, NotNow, Malformed: as `add_example`; or it is not in the dataset now.
    """
    dataset, agent = dataset_for(session, principal, dataset_id, "dataset.edit", lock=True)
    old = example_of(session, dataset, example_id)
    kept = NewExample(old.input, old.expected, old.is_critical, _split(old.split), old.tags, old.note)
    if replace(kept, **changes) == kept:
        return old.id
    _refuse_full(session, dataset, 0)
    version, run_id = dataset.version + 1, old.from_run_id
    _take_out(session, [old.id], version)
    title = old.title if "input" not in changes else None
    made = _write(session, principal, dataset, agent, replace(kept, **changes), version, _From(run_id, old.id, title))
    _rise(session, principal, dataset, version, "changed", {"example": old.id, "by": made, "fields": sorted(changes)})
    return made


def remove_example(session: Session, principal: Principal, dataset_id: str, example_id: str) -> None:
    """Take an example out of a dataset; older versions still have it.

    Raises:
        NotFound, NotAllowed, NotNow: as `change_example`.
    """
    dataset, _ = dataset_for(session, principal, dataset_id, "dataset.edit", lock=True)
    old = example_of(session, dataset, example_id)
    version = dataset.version + 1
    _take_out(session, [old.id], version)
    _rise(session, principal, dataset, version, "removed", {"example": old.id})


def _run_of(session: Session, principal: Principal, agent: Agent, run_id: str) -> Run:
    run = session.scalar(
        select(Run).where(Run.id == run_id, Run.workspace_id == principal.workspace_id, Run.agent_id == agent.id)
    )
    if run is None:
        raise NotFound("There is no such run of this dataset's agent.")
    authorize(
        principal, "run.read", agent_id=agent.id, owners=(run.requested_by, agent.owner_id, agent.backup_id),
        environment_id=run.environment_id,
    )  # fmt: skip
    if not is_over(run.state):
        raise NotNow("The run is not over. Wait for it, or cancel it.", code="not_over")
    return run


def _refuse_full(session: Session, dataset: Dataset, more: int) -> None:
    present, ever = session.execute(
        select(func.count().filter(Example.removed_in.is_(None)), func.count()).where(Example.dataset_id == dataset.id)
    ).one()
    if present + more > EXAMPLES_MAX:
        raise NotNow(
            f"A dataset has at most {EXAMPLES_MAX} examples; this one has {present}. Take some out first, or make "
            "another dataset.",
            code="examples_max",
        )
    if ever + max(more, 1) > EXAMPLES_EVER_MAX:
        raise NotNow("This dataset was changed too often to keep every version. Make another.", code="examples_max")


def _write(
    session: Session, principal: Principal, dataset: Dataset, agent: Agent, new: NewExample, version: int, where: _From
) -> str:
    value = checked_value(new.input, "input")
    made = Example(
        id=ids.new_id("exa"), workspace_id=dataset.workspace_id, dataset_id=dataset.id,
        title=prepare(value, schema=None, chars_max=2_000, title=where.title, fallback=agent.name).title, input=value,
        expected=checked_value(new.expected, "expected"), is_critical=new.is_critical, split=_split(new.split),
        tags=checked_tags(new.tags), note=checked_text(new.note, "note", NOTE_CHARS), from_run_id=where.run_id,
        present_run=f"{dataset.id}:{where.run_id}" if where.run_id else None, replaces=where.replaces,
        added_in=version, removed_in=None, added_by=principal.id, added_by_name=principal.name, added_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def _split(word: str) -> Split:
    for known in SPLITS:
        if word == known:
            return known
    raise Malformed("The split is dev or holdout.", errors={"split": ["must be dev or holdout"]})


def _take_out(session: Session, example_ids: Sequence[str], version: int) -> None:
    session.execute(
        update(Example)
        .where(Example.id.in_(example_ids), Example.removed_in.is_(None))
        .values(removed_in=version, present_run=None)
        .execution_options(synchronize_session=False)
    )


def _rise(
    session: Session, principal: Principal, dataset: Dataset, version: int, what: str, detail: Mapping[str, Any]
) -> None:
    """Give a dataset its next version; whoever changes it holds its lock."""
    dataset.version = version
    session.flush()
    audit.note(session, principal, f"example.{what}", "dataset", dataset.id, {"version": version, **detail})
