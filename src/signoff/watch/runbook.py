"""The runbook of an agent: what somebody needs who has never seen it and must help it at night. All of it is read from
what is so now, so it cannot go stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.gates import Gate
from signoff.agents.ownership import OwnerFacts, ownership_of
from signoff.agents.queries import agent_by_slug, revision_body
from signoff.agents.views import AgentFacts
from signoff.connections.catalog import CatalogConnection, catalog, gravest
from signoff.deployments.queries import deployments_page, live_revisions
from signoff.deployments.views import DeploymentFacts, LiveFacts
from signoff.freezes.queries import freeze_on
from signoff.kit import clock, ids
from signoff.kit.money import as_text
from signoff.people.access import Principal, authorize, can
from signoff.people.seats import SEAT_WORDS
from signoff.runs.by_agent import AgentTotals, totals_of
from signoff.runs.filters import visible
from signoff.runs.queries import median_duration
from signoff.runs.stops import last_stop
from signoff.tables.runs import Run
from signoff.watch.following import following_lines
from signoff.watch.queries import open_alerts

_DAYS = 30
_FAILURES_SHOWN = 5
_ALERTS_SHOWN = 10
_SOP_CHARS = 1_200


@dataclass(frozen=True, slots=True)
class Section:
    """One part: its title, what is so, and, where there is something to do, the commands for it."""

    title: str
    lines: tuple[str, ...]
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Runbook:
    """The whole, as it was at `at`."""

    agent: str
    name: str
    at: datetime
    sections: tuple[Section, ...]

    def markdown(self) -> str:
        """Return it as a Markdown document; what people wrote is escaped, so that it stays text."""
        parts = [f"# Runbook: {escaped(self.name)}", f"As of {self.at:%Y-%m-%d %H:%M} UTC, read from Signoff."]
        for section in self.sections:
            parts.append(f"## {section.title}")
            parts.append("\n".join(f"- {escaped(line)}" for line in section.lines))
            if section.commands:
                parts.append("```sh\n" + "\n".join(section.commands) + "\n```")
        return "\n\n".join(parts) + "\n"


def runbook(session: Session, viewer: Principal, agent: str) -> Runbook:
    """Return the runbook of an agent. What the viewer may not see of its runs is said to be hidden.

    Raises:
        NotFound: this workspace has no such agent.
    """
    found = agent_by_slug(session, viewer, agent)
    authorize(viewer, "agent.read", agent_id=found.id, owners=_owners(found))
    live = live_revisions(session, viewer, [found.id])[found.id]
    body = _body(session, live)
    switches = deployments_page(session, viewer, found.slug, size=20).rows
    sections = (
        Section("What it does", tuple(_purpose(found, live, body))),
        Section("Who answers for it", tuple(_people(session, viewer, found))),
        Section("When it runs, how long, at what cost", tuple(_usual(session, viewer, found, body))),
        Section("Where it asks a person", tuple(_gates(body))),
        Section("What it needs", tuple(_connections(session, viewer, body))),
        Section("What is wrong now", tuple(_trouble(session, viewer, found))),
        Section("How it is followed", tuple(following_lines(session, found.id))),
        _stops(session, viewer, found),
        _way_back(found, live, switches),
    )
    return Runbook(found.slug, found.name or found.slug, clock.now(), sections)


def escaped(text: str) -> str:
    """Return text on one line in which Markdown finds nothing of its own."""
    plain = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|~!" else sign for sign in plain)


def _owners(agent: AgentFacts) -> tuple[str | None, ...]:
    return tuple(person.member_id for person in (agent.owner, agent.backup) if person) or (None,)


def _body(session: Session, live: Sequence[LiveFacts]) -> Body | None:
    best = next((one for one in live if one.is_production), live[-1] if live else None)
    return revision_body(session, best.revision_id) if best else None


def _purpose(agent: AgentFacts, live: Sequence[LiveFacts], body: Body | None) -> Iterator[str]:
    yield agent.description or "Nobody has described it yet."
    if agent.state == "disabled":
        yield "It is disabled: new runs are rejected."
    if agent.pause:
        yield f"It is paused. {agent.pause.sentence}"
    for one in live:
        yield f"In {one.environment} revision {one.revision_number} serves, since {one.changed_at:%Y-%m-%d %H:%M} UTC."
    if not live:
        yield "Nothing serves yet."
    if body is not None:
        yield f"It thinks with {body.model.name}" + (
            f", or with {', '.join(body.model.fallbacks)} when that does not answer." if body.model.fallbacks else "."
        )
        yield "Its orders begin: " + body.sop[:_SOP_CHARS] + (" …" if len(body.sop) > _SOP_CHARS else "")


def _people(session: Session, viewer: Principal, agent: AgentFacts) -> Iterator[str]:
    found = ownership_of(session, viewer, agent.slug)
    for one in found.owners:
        yield _seat(one)
    yield from found.gaps
    if not found.owners and not found.gaps:
        yield "Nobody answers for it."


def _seat(one: OwnerFacts) -> str:
    words = SEAT_WORDS[one.kind]
    works = {True: "at work now", False: "not at work now", None: ""}[one.is_working]
    states = {"accepted": "", "asked": "has not accepted yet", "declined": "declined"}
    notes = [note for note in (states[one.state], works, one.problem) if note]
    return f"{words.capitalize()}: {one.name}, {one.email}" + (f" ({'; '.join(notes)})." if notes else ".")


def _usual(session: Session, viewer: Principal, agent: AgentFacts, body: Body | None) -> Iterator[str]:
    yield "No schedule starts it: people and programs do."
    if not can(viewer, "run.read"):
        yield "You may not see its runs, so their figures are hidden."
        return
    since = clock.now() - timedelta(days=_DAYS)
    totals = totals_of(session, viewer, agent.id, since=since)
    yield from _totals(totals)
    seconds = median_duration(session, viewer, agent.id, since=since)
    if seconds is not None:
        yield f"Half of the completed runs take less than {span(seconds)}."
    sources: Sequence[tuple[str, int]] = [
        (row[0], row[1])
        for row in session.execute(
            select(Run.source, func.count())
            .where(Run.agent_id == agent.id, Run.id >= ids.first_at("run", since), *visible(viewer))
            .group_by(Run.source)
            .order_by(func.count().desc(), Run.source)
        )
    ]
    if sources:
        yield "Started by: " + ", ".join(f"{source} ({number:,})" for source, number in sources) + "."
    if body is not None:
        yield (
            f"One run may cost at most {dollars(body.limits.cost_usd)} and ends after "
            f"{span(body.limits.wall_seconds)} at the latest."
        )


def _totals(totals: AgentTotals) -> Iterator[str]:
    if not totals.runs:
        yield f"It has not run in the last {_DAYS} days."
        return
    share = "" if totals.completed_percent is None else f"; {totals.completed_percent} % of what ended completed"
    yield f"{totals.runs:,} runs in the last {_DAYS} days, {totals.runs / _DAYS:.1f} a day{share}."
    unknown = ", without calls of unknown price" if totals.is_price_unknown else ""
    yield (f"They cost {dollars(totals.cost_usd)}, {dollars(totals.cost_usd / totals.runs)} each on average{unknown}.")


def _gates(body: Body | None) -> Iterator[str]:
    if body is None or not body.gates:
        yield "It asks nobody by a rule of its own."
        return
    for gate in body.gates:
        yield _gate(gate)


def _gate(gate: Gate) -> str:
    what = ", ".join([*gate.tools, *(f"calls that {_EFFECTS[effect]}" for effect in gate.effects)])
    end = {"deny": "it is denied", "fail": "the run fails", "wait": "it goes on waiting"}[gate.on_deadline]
    rungs = "".join(f"; after {span(one.after_minutes * 60)} {', '.join(one.to)} too" for one in gate.escalation)
    until = span(gate.deadline_minutes * 60)
    return f"{gate.name}: {what}. It asks {', '.join(gate.asks)}{rungs}; without an answer within {until} {end}."


_EFFECTS = {"read": "read", "write": "write", "send": "send", "irreversible": "cannot be undone"}


def _connections(session: Session, viewer: Principal, body: Body | None) -> Iterator[str]:
    if body is None or not body.tools:
        yield "It uses no connection."
        return
    if not can(viewer, "connection.read"):
        yield "You may not see connections, so theirs are hidden."
        return
    known = catalog(session, viewer, slots=[slot.slot for slot in body.tools])
    for slot in body.tools:
        places: Sequence[CatalogConnection] = known.get(slot.slot, [])
        tools = [one.tool for one in slot.allow]
        effects = [place.tools[tool].effect for place in places for tool in tools if tool in place.tools]
        worst = f", the gravest of which {_EFFECTS[gravest(effects)]}" if effects else ""
        for place in places:
            state = place.state if place.state != "active" else _HEALTH.get(place.health, "never tested")
            error = f": {place.last_error}" if place.last_error and place.health == "broken" else ""
            yield f"{slot.slot} in {place.environment_name}: {place.name}, {state}{error}. {len(tools)} tools{worst}."
        if not places:
            yield f"{slot.slot}: not connected in any environment."
    if body.secrets:
        yield "Secrets it may use: " + ", ".join(body.secrets) + "."


_HEALTH = {"ok": "healthy", "broken": "failing"}


def _trouble(session: Session, viewer: Principal, agent: AgentFacts) -> Iterator[str]:
    is_calm = True
    if can(viewer, "alert.read"):
        for alert in open_alerts(session, viewer, agent=agent.slug)[:_ALERTS_SHOWN]:
            is_calm = False
            yield f"Alert since {alert.opened_at:%Y-%m-%d %H:%M} UTC: {alert.text}"
    if can(viewer, "run.read"):
        since = clock.now() - timedelta(days=_DAYS)
        rows = session.execute(
            select(Run.code, func.count(), func.max(Run.reason))
            .where(
                Run.agent_id == agent.id, Run.state == "failed", Run.id >= ids.first_at("run", since), *visible(viewer)
            )
            .group_by(Run.code)
            .order_by(func.count().desc(), Run.code)
            .limit(_FAILURES_SHOWN)
        )  # fmt: skip
        for code, number, reason in rows:
            is_calm = False
            yield f"{number:,} failed with {code or 'no code'} in {_DAYS} days, such as: {reason or 'no reason given'}"
    if is_calm:
        yield "Nothing that Signoff knows of."


def _stops(session: Session, viewer: Principal, agent: AgentFacts) -> Section:
    lines = [
        "Pause: nothing new starts, what runs goes on to its end.",
        "Freeze: from the next call on it writes, sends and changes nothing; reading goes on.",
        "Stop: everything running, waiting and queued is cancelled; what it did stays done.",
    ]
    frozen = freeze_on(session, workspace_id=viewer.workspace_id, agent_id=agent.id, connection_id=None)
    if frozen:
        lines.append(f"It is frozen by {frozen.ordered_by_name}: {frozen.reason}")
    last = last_stop(session, agent.id)
    if last and last.seconds is not None:
        lines.append(
            f"The last stop, by {last.ordered_by_name} at {last.ordered_at:%Y-%m-%d %H:%M} UTC, ended "
            f"{last.found.total:,} runs in {last.seconds:.1f} s."
        )
    why = "--reason 'why'"
    commands = (
        f"signoff agents pause {agent.slug} {why}",
        f"signoff agents resume {agent.slug}",
        f"signoff agents stop {agent.slug} {why}",
    )
    return Section("When it goes wrong: stop it", tuple(lines), commands)


def _way_back(agent: AgentFacts, live: Sequence[LiveFacts], switches: Sequence[DeploymentFacts]) -> Section:
    lines: list[str] = []
    commands: list[str] = []
    for one in live:
        before = next(
            (switch for switch in switches if switch.environment == one.environment and switch.previous_number), None
        )
        if before is None:
            lines.append(f"In {one.environment} nothing served before: stop it instead.")
            continue
        lines.append(
            f"In {one.environment} revision {before.previous_number} served before, until {before.actor_name} made "
            f"revision {before.revision_number} live at {before.created_at:%Y-%m-%d %H:%M} UTC: {before.reason}"
        )
        commands.append(f"signoff rollback {agent.slug} --environment {one.environment} --reason 'why'")
    lines.append("Runs that have begun keep the revision they began with; new ones get what serves.")
    return Section("When it goes wrong: go back", tuple(lines), tuple(commands))


def span(seconds: float) -> str:
    """Return a length of time in words, in its largest sensible unit."""
    for size, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {word}".replace(".0 ", " ")
    return f"{seconds:.1f} seconds".replace(".0 ", " ")


def dollars(amount: Decimal) -> str:
    """Return dollars with cents at least; what is less than a cent with its first digits."""
    return f"${amount:,.2f}" if amount >= Decimal("0.01") or not amount else f"${as_text(round(amount, 6))}"
