"""What the guards of the model gateway decide by, read in one short session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic_ai.messages import ModelMessagesTypeAdapter
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from signoff.budgets.pots import Payer, pots_of, with_parents
from signoff.budgets.queries import Spend, spent_in
from signoff.budgets.states import Pot, parent_pot, run_pot
from signoff.gateways.model.call import ModelCall, ModelOutcome
from signoff.gateways.model.prices import Price, entered_prices
from signoff.gateways.model.rehearsals import pot_of_rehearsal
from signoff.gateways.standing import Standing, standing_of
from signoff.kit import clock
from signoff.kit.canonical import content_hash
from signoff.kit.redact import Redactor
from signoff.runs.facts import RunContext
from signoff.runs.family import body_of
from signoff.runs.states import is_rehearsal
from signoff.tables.limits import CachedAnswer
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Step

if TYPE_CHECKING:
    from signoff.gateways.services import Services

# Built once: it is asked with every call, and building it costs more than asking.
_ANSWER = Prepared(
    select(Step.response).where(
        Step.run_id == bindparam("of_run"),
        Step.key == bindparam("of_key"),
        or_(Step.state == "completed", Step.state == "cached"),
        Step.kind == "model",
    )
)
_ENDED = Prepared(
    select(Step.state, Step.response, Step.code, Step.reason, Step.detail).where(
        Step.run_id == bindparam("of_run"), Step.key == bindparam("of_key"), Step.ended_at.is_not(None)
    )
)
# What differs between two requests that ask the same.
_PASSING = frozenset({"timestamp", "run_id", "conversation_id", "usage", "provider_response_id", "provider_details",
                      "metadata", "tool_call_id", "history_digest", "model_id", "canonical_system"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class TokensAbove:
    """What a run that this one works for has used, with all that came of it, and may use."""

    agent_slug: str
    used: int
    most: int


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The state of the world for one model call.

    Args:
        spends: what each of `pots` has spent and holds, in their order.
        finished: what came of this very step before the leg began again.
        recorded: the answer the original run got, in a replay.
        cached: the answer to an equal request of this agent, where the revision asks for a cache.
    """

    standing: Standing
    prices: Mapping[str, Price]
    pots: tuple[Pot, ...]
    spends: tuple[Spend, ...]
    redactor: Redactor
    tokens_above: tuple[TokensAbove, ...] = ()
    finished: ModelOutcome | None = None
    recorded: Any = None
    cached: Any = None
    request_hash: str | None = None


def model_facts(
    session: Session, services: Services, run: RunContext, call: ModelCall, redactor: Redactor
) -> ModelFacts:
    """Read everything the guards ask for."""
    models = candidates(run)
    entered = entered_prices(session, run.workspace_id, models)
    standing = standing_of(session, run, takes_turn=True)
    pots = _pots(session, services, run, standing)
    request_hash = _hash_for_cache(run, call)
    return ModelFacts(
        standing=standing,
        tokens_above=tuple(_tokens_above(session, standing)),
        prices={model: services.prices.price(model, entered) for model in models},
        pots=pots,
        spends=spent_in(session, [pot.name for pot in pots]),
        redactor=redactor,
        finished=finished_outcome(session, run.run_id, call.key),
        recorded=_answer_of(session, run.replay_of, call.key) if run.mode == "replay" and run.replay_of else None,
        cached=_cached(session, run, request_hash),
        request_hash=request_hash,
    )


def finished_outcome(session: Session, run_id: str, key: str) -> ModelOutcome | None:
    """Return what came of a step that has ended, as it was told then; None while it has not."""
    row = _ENDED.first(session, {"of_run": run_id, "of_key": key})
    if row is None:
        return None
    if row.state in ("completed", "cached"):
        return ModelOutcome("answered", row.response)
    if row.detail.get("hold"):
        return ModelOutcome("held", code=row.code, reason=row.reason, hold=row.detail["hold"])
    resume_at = row.detail.get("resume_at")
    return ModelOutcome(
        "waits" if row.state == "waiting" else "stopped",
        code=row.code,
        reason=row.reason,
        resume_at=datetime.fromisoformat(resume_at) if resume_at else None,
    )


def _pots(session: Session, services: Services, run: RunContext, standing: Standing) -> tuple[Pot, ...]:
    """Return what the call's money is counted in: its run, and the days, weeks and months of whoever pays."""
    own = run_pot(run.run_id, run.body.limits.cost_usd + standing.raised_usd)
    # What a run costs that another one asked for is that one's money, too.
    parents = [
        parent_pot(kin.id, kin.agent_slug, body_of(session, kin).limits.cost_usd + kin.raised_usd)
        for kin in standing.above
    ]
    rehearsal = pot_of_rehearsal(session, run)
    if rehearsal is not None:
        return (own, *parents, rehearsal)
    payer = Payer(
        workspace_id=run.workspace_id,
        environment_id=run.environment_id,
        environment_name=standing.environment_name,
        agent_id=run.agent_id,
        agent_name=standing.agent_name,
        origin=standing.origin,
    )
    payers = [payer, *(replace(payer, agent_id=kin.agent_id, agent_name=kin.name) for kin in standing.above)]
    others = [pots_of(session, one, services.limits, time_zone=standing.time_zone, now=clock.now()) for one in payers]
    return with_parents((own, *parents), *others)


def _tokens_above(session: Session, standing: Standing) -> Iterable[TokensAbove]:
    if standing.family is not None:
        for kin in standing.above:
            used = standing.family.tokens(kin.id)
            yield TokensAbove(kin.agent_slug, used, body_of(session, kin).limits.tokens)


def candidates(run: RunContext) -> list[str]:
    """Return the models of a revision, in the order in which they are asked."""
    return list(dict.fromkeys([run.body.model.name, *run.body.model.fallbacks]))


def hash_of(run: RunContext, call: ModelCall) -> str:
    """Return the hash of all that an answer depends on."""
    return content_hash(
        {
            "models": candidates(run),
            "settings": run.body.model.settings.model_dump(mode="json"),
            "overrides": {name: repr(value) for name, value in (call.settings or {}).items()},
            "messages": _stable(ModelMessagesTypeAdapter.dump_python(call.messages, mode="json")),
            "tools": [
                [tool.name, tool.description, tool.parameters_json_schema]
                for tool in (*call.parameters.function_tools, *call.parameters.output_tools)
            ],
            "output": [call.parameters.output_mode, call.parameters.allow_text_output],
        }
    )


def _hash_for_cache(run: RunContext, call: ModelCall) -> str | None:
    # A candidate's answers must not be given by what serves.
    if not run.body.model.cache or run.mode == "replay" or is_rehearsal(run.mode):
        return None
    try:
        return hash_of(run, call)
    except (TypeError, ValueError, RecursionError):
        # What has no canonical form (a NaN among a call's arguments) is simply not cached.
        return None


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stable(item) for key, item in value.items() if key not in _PASSING}  # pyright: ignore[reportUnknownVariableType]
    return [_stable(item) for item in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


def _answer_of(session: Session, run_id: str | None, key: str) -> Any:
    if run_id is None:
        return None
    return _ANSWER.scalar(session, {"of_run": run_id, "of_key": key})


def _cached(session: Session, run: RunContext, request_hash: str | None) -> Any:
    if request_hash is None:
        return None
    return session.scalar(
        select(CachedAnswer.response).where(
            CachedAnswer.agent_id == run.agent_id, CachedAnswer.request_hash == request_hash
        )
    )
