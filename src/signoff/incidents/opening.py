"""How an incident begins: somebody declares it, or an alert that stands opens it by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.actions.pauses import pause_agent
from signoff.agents.lookup import agent_for
from signoff.deployments.actions import environment_for
from signoff.incidents.at_that_time import failing_runs, note_what_served, production_of
from signoff.incidents.evidence import attach
from signoff.incidents.rules import rules
from signoff.incidents.states import SEVERITIES, SEVERITY_WORDS, SYMPTOMS, UNDER_WAY, Severity, Symptom
from signoff.incidents.writing import TITLE_CHARS_MAX, add_checklist, add_entry, checked, note, tell_event, tell_people
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.faultpoints import faultpoint
from signoff.kit.text import shortened
from signoff.people.access import Principal, authorize, can
from signoff.record.actor import SYSTEM, Actor
from signoff.runs.actions.cancel import run_for
from signoff.tables.agents import Agent
from signoff.tables.incidents import Incident, IncidentEntry
from signoff.tables.runs import Run
from signoff.tables.upsert import insert_into
from signoff.tables.watch import Alert

ALREADY = "incident_open"


@dataclass(frozen=True, slots=True)
class Declared:
    """What somebody says went wrong.

    Args:
        severity: None: as the rule for `symptom` says.
        agent: slug or id; None: the whole workspace. environment: slug; None: the first production.
        alert_id: the alert that told of it. runs: runs that show it.
        began_at: since when, if that is known.
    """

    title: str
    words: str = ""
    symptom: Symptom = "other"
    severity: Severity | None = None
    agent: str | None = None
    environment: str | None = None
    alert_id: str | None = None
    runs: Sequence[str] = ()
    began_at: datetime | None = None


def declare_incident(session: Session, principal: Principal, said: Declared) -> str:
    """Declare an incident; return its id. A SEV-1 about an agent pauses it at once.

    Raises:
        NotAllowed: the caller may not, or it is a SEV-1 and the caller may not pause the agent.
        NotFound: there is no such agent, environment, alert or run for the caller.
        NotNow: the alert has an incident already.
        Malformed: a text is too short or too long, or it is said to have begun in the future.
    """
    agent = agent_for(session, principal, said.agent, "incident.declare") if said.agent else None
    if agent is None:
        authorize(principal, "incident.declare")
    moment = clock.now()
    if said.began_at is not None and said.began_at > moment:
        raise Malformed("It began in the past, or now.", errors={"began_at": ["must not be in the future"]})
    alert = _alert(session, principal, said.alert_id, agent)
    runs = [run_for(session, principal, one, "run.read") for one in dict.fromkeys(said.runs)]
    place = _place(session, principal, said.environment, agent, runs)
    severity, why = _severity(said, principal.name)
    row = Incident(
        id=ids.new_id("inc"), workspace_id=principal.workspace_id, agent_id=agent.id if agent else None,
        environment_id=place, title=checked(said.title, "title", most=TITLE_CHARS_MAX), symptom=said.symptom,
        severity=severity, why_severity=why, state="open", alert_id=alert.id if alert else None,
        open_key=alert.open_key if alert else None,
        began_at=said.began_at or (alert.opened_at if alert else moment), opened_at=moment, opened_by=principal.id,
        opened_by_name=principal.name, impact="", cause="", lessons="", caught="unknown", caught_by="", version=1,
    )  # fmt: skip
    words = checked(said.words, "words", least=0)
    note_what_served(session, row)
    session.add(row)
    session.flush()
    _begin(session, row, principal.actor, words or f"{SEVERITY_WORDS[severity]} was declared. {why}")
    if runs:
        attach(session, row, principal.actor, runs)
    if severity == "sev1":
        pause_for(session, principal, row)
    return row.id


def open_for_alert(session: Session, alert_id: str) -> str | None:
    """Open the incident of an alert, if it still stands and the rules want one; return its id if it is new.

    An incident about the same matter that is still under way is told of the alert instead. Done twice it changes
    nothing more.
    """
    alert = session.scalar(select(Alert).where(Alert.id == alert_id))
    if alert is None or alert.open_key is None:
        return None
    rule = rules().of_alert(alert.kind, alert.detail)
    if _joined(session, alert) or not rule.opens:
        return None
    symptom = rules().of_symptom(rule.symptom)
    place = production_of(session, alert.workspace_id) if alert.agent_id else None
    moment = clock.now()
    found = session.execute(
        insert_into(session, Incident)
        .values(
            id=ids.new_id("inc"), workspace_id=alert.workspace_id, agent_id=alert.agent_id, environment_id=place,
            title=_title(session, alert), symptom=symptom.name, severity=symptom.severity, why_severity=symptom.words,
            state="open", alert_id=alert.id, open_key=alert.open_key, began_at=alert.opened_at, opened_at=moment,
            opened_by=SYSTEM.id, opened_by_name=SYSTEM.name, impact="", cause="", lessons="", caught="unknown",
            caught_by="", version=1,
        )
        # Of two at the same moment, or a message that is carried twice, one is first.
        .on_conflict_do_nothing()
        .returning(Incident.id)
    ).scalar_one_or_none()  # fmt: skip
    if found is None:
        return None
    row = session.get_one(Incident, found, populate_existing=True)
    note_what_served(session, row)
    _begin(session, row, SYSTEM, alert.text)
    faultpoint("incident-opening")
    _gather(session, row, alert)
    return row.id


def alert_is_over(session: Session, alert_id: str, by: str) -> None:
    """Write into the incident of an alert that what the alert told of is over. It ends no incident: people do."""
    row = session.scalar(
        select(Incident).where(Incident.alert_id == alert_id, Incident.state.in_(UNDER_WAY)).with_for_update()
    )
    if row is None:
        return
    told = session.scalars(
        select(IncidentEntry.detail).where(IncidentEntry.incident_id == row.id, IncidentEntry.kind == "alert_over")
    )
    # The message that says so may be carried twice.
    if all(detail.get("alert") != alert_id for detail in told):
        add_entry(session, row, SYSTEM, "alert_over", f"The alert was resolved, by {by}.", {"alert": alert_id})


def pause_for(session: Session, principal: Principal, row: Incident) -> None:
    """Pause the agent of a SEV-1, unless it is paused already.

    Raises:
        NotAllowed: the caller may not pause it.
    """
    if row.agent_id is None:
        return
    reason = shortened(f"{SEVERITY_WORDS['sev1']}: {row.title}", 400)
    try:
        pause = pause_agent(session, principal, row.agent_id, reason=reason)
    except NotNow as refusal:
        if refusal.code != "already_paused":
            raise
        add_entry(session, row, principal.actor, "paused", refusal.detail)
        return
    words = "The agent was paused: nothing new starts until somebody resumes it. What runs goes on to its end."
    add_entry(session, row, principal.actor, "paused", words, {"pause": pause})


def _begin(session: Session, row: Incident, by: Actor, words: str) -> None:
    add_entry(session, row, by, "opened", words, {"severity": row.severity, "alert": row.alert_id})
    add_checklist(session, row, by)
    note(session, row, by, "incident.opened", {"title": row.title, "why": row.why_severity, "alert": row.alert_id})
    tell_event(session, row, "incident.opened")
    tell_people(session, row, "opened")


def _severity(said: Declared, name: str) -> tuple[Severity, str]:
    if said.symptom not in SYMPTOMS:
        raise Malformed(f"What is seen is one of: {', '.join(SYMPTOMS)}.", errors={"symptom": ["unknown"]})
    rule = rules().of_symptom(said.symptom)
    if said.severity is None or said.severity == rule.severity:
        return rule.severity, rule.words
    if said.severity not in SEVERITIES:
        raise Malformed(f"A severity is one of: {', '.join(SEVERITIES)}.", errors={"severity": ["unknown"]})
    return said.severity, f"Set by {name} as it was declared; by rule it would be {SEVERITY_WORDS[rule.severity]}."


def _alert(session: Session, principal: Principal, alert_id: str | None, agent: Agent | None) -> Alert | None:
    if alert_id is None:
        return None
    row = session.scalar(select(Alert).where(Alert.id == alert_id, Alert.workspace_id == principal.workspace_id))
    if row is None or not can(principal, "alert.read", agent_id=row.agent_id):
        raise NotFound("There is no such alert in this workspace.")
    if row.agent_id is not None and (agent is None or agent.id != row.agent_id):
        raise Malformed("This alert is about another agent.", errors={"alert": ["is about another agent"]})
    same = Incident.alert_id == row.id
    if row.open_key is not None:
        same |= Incident.open_key == row.open_key
    taken = session.scalar(select(Incident.id).where(Incident.workspace_id == row.workspace_id, same).limit(1))
    if taken is not None:
        raise NotNow("This alert has an incident already.", code=ALREADY, extra={"incident": taken})
    return row


def _place(
    session: Session, principal: Principal, environment: str | None, agent: Agent | None, runs: Sequence[Run]
) -> str | None:
    if environment:
        return environment_for(session, principal, environment).id
    if runs:
        return runs[0].environment_id
    return production_of(session, principal.workspace_id) if agent is not None else None


def _joined(session: Session, alert: Alert) -> bool:
    """Return whether an incident about the same matter is under way; it is told that the alert is there again."""
    row = session.scalar(
        select(Incident).where(Incident.workspace_id == alert.workspace_id, Incident.open_key == alert.open_key)
    )
    if row is None:
        return False
    told = session.execute(
        update(Incident)
        .where(Incident.id == row.id, Incident.alert_id != alert.id)
        .values(alert_id=alert.id)
        .returning(Incident.id)
        .execution_options(synchronize_session=False)
    ).all()
    if told:
        add_entry(session, row, SYSTEM, "alert_again", alert.text, {"alert": alert.id})
    return True


def _title(session: Session, alert: Alert) -> str:
    name = session.scalar(select(Agent.name).where(Agent.id == alert.agent_id)) if alert.agent_id else None
    words = alert.kind.replace("_", " ").capitalize()
    return shortened(f"{name}: {words}" if name else words, TITLE_CHARS_MAX)


def _gather(session: Session, row: Incident, alert: Alert) -> None:
    """Attach the run the alert names, and what else of its agent failed in the hour before."""
    named = alert.detail.get("run")
    wanted = [named] if isinstance(named, str) else []
    wanted += failing_runs(session, row, clock.now())
    bounds = [Run.workspace_id == row.workspace_id, Run.id.in_(wanted)]
    if row.agent_id is not None:
        bounds.append(Run.agent_id == row.agent_id)
    if wanted:
        attach(session, row, SYSTEM, session.scalars(select(Run).where(*bounds)).all())
