"""Asking for a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from signoff.agents.handovers import is_handed_over
from signoff.agents.lookup import agent_to_read
from signoff.agents.pauses import pause_of
from signoff.agents.retired import refuse_retired
from signoff.agents.revisions import find_revision, revision_body
from signoff.deployments.traffic import route
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.text import storable
from signoff.people.access import Principal, authorize
from signoff.people.membership import refuse_if_suspended
from signoff.record import audit, outbox
from signoff.runs.actions.moves import tell_event, tell_state
from signoff.runs.facts import RequestedRun
from signoff.runs.input import masked_title, prepare
from signoff.runs.marks import first_marks
from signoff.runs.states import STARTED_BY_ITSELF, Mode, Origin, Source, Variant
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import Environment
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run

START = "run.start"
_KEY_CHARS = 200
# All of it is in an index, whose rows have a limit.
_SEARCH_CHARS = 400
SCRIPTED = "scripted:"
_RUNS = cast("Table", Run.__table__)
_ADD = Prepared(insert(_RUNS))
# What a column holds where nothing was said of it.
_BLANK: dict[str, Any] = {
    column.key: getattr(column.default, "arg", None) for column in _RUNS.c if column.default is not None
}
_NUMBER = Prepared(select(Revision.id, Revision.number).where(Revision.id == bindparam("of_revision")))

_ENVIRONMENT = Prepared(
    select(Environment.id).where(
        Environment.workspace_id == bindparam("of_workspace"), Environment.slug == bindparam("of_slug")
    )
)


@dataclass(frozen=True, slots=True)
class _Place:
    """An environment, as far as a run is started in it."""

    id: str
    slug: str


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was asked for, beside the input."""

    origin: Origin
    source: Source
    mode: Mode
    external_id: str | None
    input_key: str | None
    title: str | None
    sticky_key: str | None = None


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The revision a run gets, as which variant, under which release."""

    revision_id: str
    number: int
    variant: Variant
    release_id: str | None = None


def request_run(
    session: Session,
    principal: Principal,
    *,
    agent: str,
    input: Any,  # noqa: A002
    environment: str = "production",
    revision: str | int | None = None,
    origin: Origin = "production",
    source: Source = "manual",
    mode: Mode = "live",
    external_id: str | None = None,
    input_key: str | None = None,
    sticky_key: str | None = None,
    title: str | None = None,
    replay_of: str | None = None,
) -> RequestedRun:
    """Ask for a run of `agent` (slug or id) on `input`, under the live revision of `environment` or a pinned one.

    While a canary is under way, an equal `sticky_key` (a customer, case or session) keeps its variant; without one, the
    `external_id`, the `input_key` or the run itself decides. An equal `input_key` answers with the first run of this
    agent in this environment. A replay takes revision and input from its original.

    Raises:
        NotFound: no such agent, environment, revision or original.
        Malformed: the input does not fit the revision's input schema; `errors` says where.
        NotNow: nothing is live there yet, or `external_id` belongs to another run.
        AgentPaused: the agent is paused, and somebody asks; what starts by itself is recorded as rejected instead.
    """
    refuse_if_suspended(session, principal.workspace_id)
    _check_keys(external_id=external_id, input_key=input_key, sticky_key=sticky_key)
    row = agent_to_read(session, principal, agent, "run.start")
    if replay_of is not None:
        original = _original(session, principal, row, replay_of)
        return _replay(session, principal, row, original, title)
    place = _environment(session, principal, environment)
    # That the caller may start this agent was asked above; here, that it may do so in this environment.
    authorize(principal, "run.start", environment_id=place.id, owners=(principal.id,), agent_id=row.id)
    # A test never acts, whoever asks for it and however: what it would change is simulated.
    how: Mode = "sandbox" if origin == "test" and mode == "live" else mode
    wish = _Wish(origin, source, how, external_id, input_key, title, sticky_key)
    if input_key is not None and (first := _first_with_key(session, row.id, place.id, input_key)):
        return first
    _check_external_id(session, principal.workspace_id, external_id)
    run_id = ids.new_id("run")
    chosen = _revision(session, row, place, revision, sticky_key or external_id or input_key or run_id)
    return _write(session, principal, row, chosen, place.id, input, wish, None, run_id)


def _check_keys(**keys: str | None) -> None:
    for name, value in keys.items():
        if value is not None and not (0 < len(value) <= _KEY_CHARS and storable(value) == value):
            words = f"must have 1 to {_KEY_CHARS} plain characters"
            raise Malformed(f"The {name} {words}.", errors={name: [words]})


def _environment(session: Session, principal: Principal, slug: str) -> _Place:
    found = _ENVIRONMENT.first(session, {"of_workspace": principal.workspace_id, "of_slug": slug})
    if found is None or (principal.environment_id and principal.environment_id != found.id):
        raise NotFound("There is no such environment here. A workspace starts with staging and production.")
    return _Place(found.id, slug)


def _revision(session: Session, agent: Agent, place: _Place, wanted: str | int | None, key: str) -> _Chosen:
    if wanted is not None:
        named = find_revision(session, agent, wanted)
        refuse_retired(session, agent, named)
        return _Chosen(named.id, named.number, "pinned")
    taken = route(session, agent.id, place.id, key)
    # Its content is known to this process, and long.
    found = _NUMBER.first(session, {"of_revision": taken.revision_id}) if taken else None
    if taken is None or found is None:
        raise NotNow(
            f"{agent.slug} has no revision that serves {place.slug}. Freeze its draft, or name a revision.",
            code="nothing_live",
        )
    return _Chosen(found.id, found.number, taken.variant, taken.release_id)


def _first_with_key(session: Session, agent_id: str, environment_id: str, input_key: str) -> RequestedRun | None:
    run = session.scalar(
        select(Run).where(Run.agent_id == agent_id, Run.environment_id == environment_id, Run.input_key == input_key)
    )
    if run is None:
        return None
    return RequestedRun(run.id, run.state, run.revision_id, run.revision_number, False, run.reason)


def _check_external_id(session: Session, workspace_id: str, external_id: str | None) -> None:
    if external_id is None:
        return
    other = session.scalar(select(Run.id).where(Run.workspace_id == workspace_id, Run.external_id == external_id))
    if other is not None:
        raise NotNow(
            f"The run {other} already has this external id. Read that run, or choose another id.",
            code="external_id_taken",
            extra={"run": other},
        )


def _original(session: Session, principal: Principal, agent: Agent, run_id: str) -> Run:
    found = session.scalar(
        select(Run).where(Run.id == run_id, Run.workspace_id == principal.workspace_id, Run.agent_id == agent.id)
    )
    if found is None:
        raise NotFound("There is no such run of this agent to replay.")
    authorize(
        principal, "run.read", workspace_id=found.workspace_id, agent_id=agent.id,
        owners=(found.requested_by, agent.owner_id, agent.backup_id), environment_id=found.environment_id,
    )  # fmt: skip
    if found.state not in ("completed", "failed", "cancelled"):
        raise NotNow("Only a run that has ended can be replayed. Wait for it, or cancel it.", code="not_over")
    return found


def _replay(session: Session, principal: Principal, agent: Agent, original: Run, title: str | None) -> RequestedRun:
    revision = session.get(Revision, original.revision_id)
    if revision is None:
        raise NotFound("The revision this run had is gone.")
    wish = _Wish("test", "replay", "replay", None, None, title or f"Replay: {original.title}")
    chosen = _Chosen(revision.id, revision.number, "pinned", original.release_id)
    return _write(
        session, principal, agent, chosen, original.environment_id, original.input, wish, original.id, ids.new_id("run")
    )  # fmt: skip


def _write(
    session: Session,
    principal: Principal,
    agent: Agent,
    chosen: _Chosen,
    environment_id: str,
    value: Any,
    wish: _Wish,
    replay_of: str | None,
    run_id: str,
) -> RequestedRun:
    body = revision_body(session, chosen.revision_id)
    given = prepare(
        value,
        # A replay takes what its original took, which may have been cut to size after it was checked.
        schema=None if replay_of else body.input_schema,
        chars_max=body.limits.input_chars,
        title=wish.title,
        fallback=agent.name or agent.slug,
    )
    code, rejection = _rejection(session, agent, wish)
    moment = clock.now()
    run = Run(
        id=run_id, workspace_id=agent.workspace_id, environment_id=environment_id, agent_id=agent.id,
        revision_id=chosen.revision_id, agent_slug=agent.slug, agent_name=agent.name, revision_number=chosen.number,
        state="rejected" if rejection else "queued", code=code, reason=rejection,
        origin=wish.origin, source=wish.source, mode=wish.mode, replay_of=replay_of, external_id=wish.external_id,
        release_id=chosen.release_id, variant=chosen.variant, sticky_key=wish.sticky_key, input_key=wish.input_key,
        requested_by=principal.id, requested_by_name=principal.name, requested_with=principal.key_id,
        title=given.title,
        search_text=search_text(given.title, run_id, agent.slug, wish.external_id, given.search_text),
        input=given.value, output=None, is_scripted=body.model.name.startswith(SCRIPTED),
        is_truncated=given.is_truncated, created_at=moment, ended_at=moment if rejection else None, leg=1,
        flow=first_marks(wish.source, principal.kind),
    )  # fmt: skip
    _add(session, run)
    _follow_up(session, principal, run, moment)
    return RequestedRun(
        run.id, run.state, run.revision_id, run.revision_number, True, rejection, run.is_scripted, moment
    )


def _add(session: Session, run: Run) -> None:
    """Insert a run, without the object mapper: that costs more than the database does."""
    given = {name: getattr(run, name) for name in _RUNS.c.keys()}  # noqa: SIM118  # Columns, by their names.
    _ADD.run(session, {name: _BLANK.get(name) if value is None else value for name, value in given.items()})


class AgentPaused(NotNow):
    """Nothing new starts of this agent until it is resumed. `extra` says who paused it, why, and until when."""


def _rejection(session: Session, agent: Agent, wish: _Wish) -> tuple[str, str] | tuple[None, None]:
    name = agent.name or agent.slug
    # Who mends an agent tries it: tests, rehearsals and replays start all the same.
    pause = pause_of(session, agent.id) if (wish.origin, wish.mode) == ("production", "live") else None
    if pause is not None and wish.source in STARTED_BY_ITSELF:
        return "agent_paused", f"{name} is paused. {pause.sentence}"
    if pause is not None:
        until = pause.until.isoformat() if pause.until else None
        raise AgentPaused(
            f"{name} is paused. {pause.sentence} Resume it first; test runs start all the same.",
            extra={"paused_by": pause.paused_by_name, "reason": pause.reason, "until": until},
        )
    if agent.state == "disabled":
        return "agent_disabled", f"{name} is disabled. Enable it, then start the run again."
    if wish.source in STARTED_BY_ITSELF and is_handed_over(session, agent.id):
        words = "Nothing starts it by itself until its new owner has run it once by hand and the run completed."
        return "handover", f"{name} is being handed over. {words}"
    return None, None


def search_text(title: str, run_id: str, agent_slug: str, external_id: str | None, words: str) -> str:
    """Return the one lower-case text that a search of runs looks into."""
    parts = (title.lower(), run_id, agent_slug, (external_id or "").lower(), words)
    return " ".join(part for part in parts if part)[:_SEARCH_CHARS]


def mask_run(session: Session, run_id: str, mask: Callable[[Any], Any]) -> None:
    """Take the secrets that somebody typed into the input of a run out of it, its title and what a search finds.

    `mask` covers them in plain JSON. The model is given the masked input, so nothing it worked with is lost.
    """
    run = session.get(Run, run_id)
    if run is None:
        return
    masked = mask(run.input)
    if masked == run.input and mask(run.title) == run.title:
        return
    title, words = masked_title(run.input, run.title, mask)
    found = search_text(title, run.id, run.agent_slug, run.external_id, words)
    session.execute(update(Run).where(Run.id == run_id).values(title=title, search_text=found, input=masked))


def _follow_up(session: Session, principal: Principal, run: Run, moment: datetime) -> None:
    audit.write(
        session, workspace_id=run.workspace_id, actor=principal.actor, action="run.request", object_kind="run",
        object_id=run.id, run_id=run.id, revision_id=run.revision_id,
        detail={"agent": run.agent_slug, "revision": run.revision_number, "source": run.source, "mode": run.mode,
                "state": run.state},
    )  # fmt: skip
    tell_state(session, run)
    tell_event(session, run)
    if run.state == "queued":
        outbox.send(
            session, workspace_id=run.workspace_id, kind=START, payload={"run_id": run.id, "leg": 1}, due_at=moment
        )
