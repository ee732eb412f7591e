"""How an agent's answers are scored: evaluators are added, changed, taken away. What is under way keeps its own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.evaluations.limits import EVALUATORS_MAX
from signoff.evaluations.lookup import evaluator_for
from signoff.evaluations.scoring import check_weight, read_settings
from signoff.kit import clock, ids
from signoff.kit.errors import NotNow
from signoff.kit.stored_json import stored_json
from signoff.people.access import Principal
from signoff.people.emails import clean_name
from signoff.record import audit
from signoff.tables.evaluations import Evaluator


def add_evaluator(
    session: Session,
    principal: Principal,
    agent: str,
    *,
    name: str,
    kind: str,
    settings: Mapping[str, Any],
    weight: Decimal = Decimal(1),
) -> str:
    """Add an evaluator to an agent; return its id.

    Args:
        kind, settings: as `evaluations/scoring` has them.
        weight: only its ratio to the others counts.

    Raises:
        NotFound, NotAllowed: there is no such agent, or the caller may not edit how it is evaluated.
        Malformed: a field does not fit.
        NotNow: there are as many as there may be, or one of this name.
    """
    row = agent_for(session, principal, agent, "dataset.edit", lock=True)
    clean = clean_name(name)
    names = session.scalars(select(Evaluator.name).where(Evaluator.agent_id == row.id)).all()
    if len(names) >= EVALUATORS_MAX:
        raise NotNow(f"The agent has {EVALUATORS_MAX} evaluators. Delete one first.", code="evaluators_max")
    _refuse_taken(clean, names)
    made = Evaluator(
        id=ids.new_id("evr"), workspace_id=row.workspace_id, agent_id=row.id, name=clean, kind=kind,
        settings=_checked(kind, settings), weight=float(check_weight(weight)), is_enabled=True, made_by=principal.id,
        made_by_name=principal.name, made_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.note(
        session, principal, "evaluator.added", "evaluator", made.id,
        {"agent": row.id, "name": clean, "kind": kind, "weight": str(weight)},
    )  # fmt: skip
    return made.id


def change_evaluator(
    session: Session,
    principal: Principal,
    evaluator_id: str,
    *,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    weight: Decimal | None = None,
    is_enabled: bool | None = None,
) -> None:
    """Change what is given; None leaves a thing as it is. It holds for evaluations asked for from now on.

    Raises:
        NotFound, NotAllowed, Malformed, NotNow: as `add_evaluator`.
    """
    row, agent = evaluator_for(session, principal, evaluator_id, "dataset.edit", lock=True)
    wanted: dict[str, Any] = {}
    if name is not None:
        wanted["name"] = clean_name(name)
        others = session.scalars(select(Evaluator.name).where(Evaluator.agent_id == agent.id, Evaluator.id != row.id))
        _refuse_taken(wanted["name"], others.all())
    if settings is not None:
        wanted["settings"] = _checked(row.kind, settings)
    if weight is not None:
        wanted["weight"] = float(check_weight(weight))
    if is_enabled is not None:
        wanted["is_enabled"] = is_enabled
    changed = {field: value for field, value in wanted.items() if getattr(row, field) != value}
    if not changed:
        return
    for field, value in changed.items():
        setattr(row, field, value)
    session.flush()
    audit.note(
        session, principal, "evaluator.changed", "evaluator", row.id, {"agent": agent.id, "fields": sorted(changed)}
    )


def delete_evaluator(session: Session, principal: Principal, evaluator_id: str) -> None:
    """Take an evaluator away; evaluations that had it keep what it said.

    Raises:
        NotFound, NotAllowed: there is none of that id, or the caller may not.
    """
    row, agent = evaluator_for(session, principal, evaluator_id, "dataset.edit", lock=True)
    audit.note(session, principal, "evaluator.deleted", "evaluator", row.id, {"agent": agent.id, "name": row.name})
    session.execute(delete(Evaluator).where(Evaluator.id == row.id))


def _checked(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    plain = stored_json(dict(settings))
    read_settings(kind, plain)
    return plain


def _refuse_taken(name: str, names: Any) -> None:
    if name in names:
        raise NotNow(f"An evaluator of this agent is called {name} already.", code="name_taken")
