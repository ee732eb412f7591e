"""How an incident begins: declared, or by itself from an alert that stands."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from signoff.agents.pauses import pause_of
from signoff.incidents.opening import Declared, declare_incident
from signoff.incidents.queries import evidence_page, incidents_of_alerts, incidents_of_run
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.record.alarms import TELL
from signoff.tables.incidents import IncidentTask
from signoff.tables.record import OutboxMessage
from signoff.watch import telling
from signoff.watch.actions import resolve_by_key
from tests.rooms.agents import kit_agents
from tests.rooms.incidents.kit_incidents import Ward, make_ward, ward

__all__ = ["ward"]


def test_declaring_a_sev1_pauses_the_agent_and_begins_timeline_checklist_and_postmortem(ward: Ward):
    made = ward.declare(severity="sev1", words="Three suppliers called.")
    found = ward.detail(made)
    assert (found.facts.state, found.facts.severity, found.facts.opened_by_name) == ("open", "sev1", "Ann")
    assert ward.kinds(made) == ["opened", "paused"]
    assert found.timeline[0].text == "Three suppliers called."
    assert [one.kind for one in found.tasks] == ["checklist"] * 8
    assert found.postmortem.deploy is not None
    assert found.postmortem.missing[:2] == ("Write down its cause.", "Write down what was learnt.")
    pause = ward.read(pause_of, ward.agent_id)
    assert pause.reason == "SEV-1: Bills are posted twice"
    assert ward.audited() == ["incident.opened"]


def test_what_is_seen_gives_the_severity_and_a_person_may_say_another(ward: Ward):
    by_rule = [ward.detail(ward.declare(symptom=one, agent=None)).facts for one in ("unavailable", "errors", "other")]
    assert [one.severity for one in by_rule] == ["sev1", "sev2", "sev3"]
    said = ward.detail(ward.declare(symptom="errors", severity="sev3")).facts
    assert said.severity == "sev3"
    assert "Set by Ann" in said.why_severity
    assert "SEV-2" in said.why_severity
    assert ward.read(pause_of, ward.agent_id) is None


def test_an_agent_that_is_paused_already_stays_so(ward: Ward):
    ward.declare(severity="sev1")
    second = ward.declare("The same again", severity="sev1")
    assert "is paused already" in ward.detail(second).timeline[-1].text


def test_who_may_declare_what(ward: Ward):
    assert ward.declare(who=ward.ben, severity="sev1")
    for who in (ward.cem, ward.dora):
        with pytest.raises(NotAllowed):
            ward.declare(who=who, severity="sev3")
    # About no agent a builder may; it is then theirs to see to.
    made = ward.declare(who=ward.dora, agent=None)
    assert ward.detail(made, ward.dora).may_manage
    assert not ward.detail(made, ward.cem).may_manage


def test_what_is_wrong_is_refused(ward: Ward):
    with pytest.raises(Malformed):
        ward.declare(" ")
    with pytest.raises(Malformed):
        ward.declare(began_at=clock.now() + timedelta(hours=1))
    with pytest.raises(NotFound):
        ward.declare(agent="none-such")
    with pytest.raises(NotFound):
        ward.declare(alert_id="alr_none")
    assert ward.incidents() == []


def test_an_alert_that_stands_opens_one_incident_whatever_happens_twice(ward: Ward):
    alert = ward.alert()
    ward.alert()
    ward.carry()
    ward.carry()
    (found,) = ward.incidents()
    assert (found.alert_id, found.severity, found.symptom, found.opened_by_name) == (
        alert, "sev1", "unavailable", "Signoff",
    )  # fmt: skip
    assert ward.kinds(found.id) == ["opened"]
    assert ward.read(incidents_of_alerts, ward.ann, [alert])[alert].id == found.id
    with pytest.raises(NotNow) as refused:
        ward.declare(agent=None, alert_id=alert)
    assert refused.value.extra["incident"] == found.id


def test_an_alert_that_was_over_before_it_was_looked_at_opens_none(ward: Ward):
    ward.alert()
    ward.write(resolve_by_key, ward.at.workspace_id, "provider:x")
    ward.carry()
    assert ward.incidents() == []


def test_a_kind_that_no_rule_names_opens_none_and_can_be_declared(ward: Ward):
    alert = ward.alert("key_expiring", "key:1")
    ward.carry()
    assert ward.incidents() == []
    made = ward.declare(agent=None, alert_id=alert)
    assert ward.detail(made).facts.alert_id == alert


def test_when_the_alert_is_over_the_incident_is_told_and_goes_on(ward: Ward):
    ward.alert()
    ward.carry()
    ward.write(resolve_by_key, ward.at.workspace_id, "provider:x")
    ward.carry()
    ward.carry()
    (found,) = ward.incidents()
    assert found.state == "open"
    assert ward.kinds(found.id) == ["opened", "alert_over"]


def test_the_same_matter_again_joins_the_incident_that_is_under_way(ward: Ward):
    ward.alert()
    ward.carry()
    ward.write(resolve_by_key, ward.at.workspace_id, "provider:x")
    again = ward.alert()
    ward.carry()
    ward.carry()
    (found,) = ward.incidents()
    assert found.alert_id == again
    assert ward.kinds(found.id).count("alert_again") == 1


def test_an_alert_about_an_agent_brings_the_runs_that_failed_and_what_served(ward: Ward):
    mine, other = ward.fail(), ward.fail(agent="other")
    test = ward.fail(origin="test")
    ward.alert("release_rolled_back", "release:1", agent_id=ward.agent_id, detail={"run": mine})
    ward.carry()
    (found,) = ward.incidents()
    shown = [one.id for one in ward.read(evidence_page, ward.ann, found.id).rows]
    assert shown == [mine]
    assert other not in shown
    assert test not in shown
    assert [one.id for one in ward.read(incidents_of_run, ward.ann, mine)] == [found.id]
    deploy = ward.detail(found.id).postmortem.deploy
    assert deploy is not None
    assert deploy.revision_number == 1
    with ward.store.read() as session:
        done = session.scalars(select(IncidentTask.key).where(IncidentTask.done_at.is_not(None))).all()
    assert done == ["evidence"]


def test_people_are_told_that_it_opened_and_not_once_it_is_over(ward: Ward):
    made = ward.declare(severity="sev2", symptom="errors")
    with ward.store.write() as session:
        told = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == TELL)).all()
        (payload,) = [one.payload for one in told if one.payload["kind"] == "incident"]
        assert (payload["about"], payload["agent"]) == (made, ward.agent_id)
        telling.note_happened(session, ward.at.workspace_id, payload, has_mail=True)
    with ward.store.read() as session:
        found = telling.Notice
        row = session.scalars(select(found).where(found.kind == "incident")).one()
        words = telling._words(session, row)
    assert words is not None
    assert words.title == "SEV-2: Bills are posted twice"
    assert words.path == f"/w/acme/incidents/{made}"


def test_another_workspace_knows_nothing_of_it(ward: Ward):
    made = ward.declare()
    other = make_ward(ward.store, "other-place")
    with pytest.raises(NotFound):
        other.detail(made)
    with pytest.raises(NotFound):
        other.write(declare_incident, other.ann, Declared("x", agent=ward.agent_id))
    stranger = kit_agents.person(ward.store, other.at, "Eve")
    with pytest.raises(NotFound):
        ward.detail(made, stranger)
