"""What people do with an incident, by name and time; who may; who comes second."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from signoff.agents.pauses import pause_of
from signoff.incidents.moving import (
    acknowledge_incident,
    mitigate_incident,
    resolve_incident,
    review_incident,
    say,
    set_severity,
)
from signoff.incidents.postmortem import write_postmortem
from signoff.incidents.queries import incidents_page, timeline_page, under_way, under_way_count
from signoff.incidents.tasks import add_task, finish_task, give_task, reopen_task
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.tables.incidents import IncidentTask
from tests.rooms.incidents.kit_incidents import Ward, ward

__all__ = ["ward"]


def open_tasks(ward: Ward) -> list[str | None]:
    with ward.store.read() as session:
        found = select(IncidentTask.key).where(IncidentTask.done_at.is_(None)).order_by(IncidentTask.id)
        return list(session.scalars(found))


def own_every_task(ward: Ward, incident_id: str) -> None:
    for one in ward.detail(incident_id).tasks:
        if one.done_at is None:
            ward.write(give_task, ward.ann, incident_id, one.id, owner_id=ward.ben.id)


def words(**changes: Any) -> dict[str, Any]:
    return {"version": 1, "impact": "", "cause": "", "lessons": "", "caught": "unknown", **changes}


def test_each_move_keeps_who_and_when(ward: Ward):
    made = ward.declare()
    ward.write(acknowledge_incident, ward.ben, made, words="I look at it.")
    ward.write(mitigate_incident, ward.ann, made)
    ward.write(resolve_incident, ward.ben, made)
    found = ward.detail(made).facts
    by = (found.acknowledged_by_name, found.mitigated_by_name, found.resolved_by_name)
    assert (found.state, by) == ("resolved", ("Ben", "Ann", "Ben"))
    assert found.acknowledged_at is not None
    assert found.mitigated_at is not None
    assert found.resolved_at is not None
    assert found.opened_at <= found.acknowledged_at <= found.mitigated_at <= found.resolved_at
    assert ward.kinds(made) == ["opened", "acknowledged", "mitigated", "resolved"]
    assert ward.detail(made).timeline[1].text == "I look at it."
    assert ward.audited() == [
        "incident.opened", "incident.acknowledged", "incident.mitigated", "incident.resolved",
    ]  # fmt: skip


def test_whoever_comes_second_is_told_who_was_first(ward: Ward):
    made = ward.declare()
    ward.write(acknowledge_incident, ward.ben, made)
    with pytest.raises(NotNow, match="acknowledged already, by Ben"):
        ward.write(acknowledge_incident, ward.ann, made)
    ward.write(resolve_incident, ward.ann, made)
    with pytest.raises(NotNow, match="resolved already, by Ann"):
        ward.write(mitigate_incident, ward.ben, made)
    assert ward.detail(made).facts.acknowledged_by_name == "Ben"


def test_whoever_put_it_right_at_once_has_seen_it(ward: Ward):
    made = ward.declare()
    ward.write(resolve_incident, ward.ben, made)
    found = ward.detail(made).facts
    assert (found.acknowledged_by_name, found.mitigated_by_name) == ("Ben", None)
    assert "acknowledge" not in open_tasks(ward)


def test_the_moves_tick_their_lines_of_the_checklist(ward: Ward):
    made = ward.declare(symptom="errors")
    before = open_tasks(ward)
    ward.write(acknowledge_incident, ward.ben, made)
    ward.write(mitigate_incident, ward.ben, made)
    assert [one for one in before if one not in open_tasks(ward)] == ["acknowledge", "mitigate"]


def test_only_who_answers_for_it_or_manages_sees_to_it(ward: Ward):
    made = ward.declare()
    for who in (ward.cem, ward.dora):
        with pytest.raises(NotAllowed):
            ward.write(acknowledge_incident, who, made)
    with pytest.raises(NotFound):
        ward.write(acknowledge_incident, ward.ann, "inc_none")
    assert ward.detail(made).facts.state == "open"


def test_raised_to_sev1_it_pauses_its_agent_and_brings_the_longer_checklist(ward: Ward):
    made = ward.declare()
    ward.write(set_severity, ward.ben, made, severity="sev1", reason="It pays twice.")
    found = ward.detail(made)
    assert (found.facts.severity, found.facts.why_severity) == ("sev1", "Set by Ben: It pays twice.")
    assert ward.kinds(made) == ["opened", "severity", "paused"]
    assert "scope" in open_tasks(ward)
    assert len(found.tasks) == 8
    assert ward.read(pause_of, ward.agent_id) is not None
    ward.write(set_severity, ward.ben, made, severity="sev3", reason="Only one supplier.")
    assert len(ward.detail(made).tasks) == 8
    with pytest.raises(NotNow):
        ward.write(set_severity, ward.ben, made, severity="sev3", reason="again")
    with pytest.raises(Malformed):
        ward.write(set_severity, ward.ben, made, severity="sev2", reason=" ")


def test_a_review_needs_cause_lessons_and_an_owner_for_what_is_open(ward: Ward):
    made = ward.declare()
    with pytest.raises(NotNow, match="resolve it first"):
        ward.write(review_incident, ward.ann, made)
    ward.write(resolve_incident, ward.ann, made)
    with pytest.raises(NotNow) as refused:
        ward.write(review_incident, ward.ann, made)
    assert len(refused.value.extra["missing"]) == 3
    own_every_task(ward, made)
    written = words(cause="A retry without a key.", lessons="Key every write.", caught="no", caught_by="No such case.")
    ward.write(write_postmortem, ward.ben, made, **written)
    ward.write(review_incident, ward.ann, made)
    found = ward.detail(made)
    assert (found.facts.state, found.facts.reviewed_by_name) == ("reviewed", "Ann")
    assert found.postmortem.missing == ()
    with pytest.raises(NotNow, match="reviewed by Ann"):
        ward.write(write_postmortem, ward.ben, made, **words(version=2))


def test_of_two_who_write_the_postmortem_the_second_reads_first(ward: Ward):
    made = ward.declare()
    ward.write(write_postmortem, ward.ben, made, **words(cause="One."))
    with pytest.raises(NotNow, match="meanwhile"):
        ward.write(write_postmortem, ward.ann, made, **words(cause="Two."))
    assert ward.detail(made).postmortem.cause == "One."


def test_what_follows_has_an_owner_and_is_done_or_not(ward: Ward):
    made = ward.declare()
    task = ward.write(add_task, ward.ben, made, title="Key every write", owner_id=ward.dora.id)
    ward.write(finish_task, ward.ann, made, task)
    with pytest.raises(NotNow):
        ward.write(finish_task, ward.ann, made, task)
    found = ward.detail(made).tasks[-1]
    assert (found.title, found.owner_name, found.done_by_name) == ("Key every write", "Dora", "Ann")
    ward.write(reopen_task, ward.ann, made, task)
    assert ward.detail(made).tasks[-1].done_at is None
    with pytest.raises(Malformed):
        ward.write(add_task, ward.ben, made, title="x", owner_id="mem_nobody")
    other = ward.declare("Another")
    with pytest.raises(NotFound):
        ward.write(finish_task, ward.ann, other, task)


def test_what_is_said_stands_in_the_timeline_page_by_page(ward: Ward):
    made = ward.declare()
    for number in range(4):
        ward.write(say, ward.ben, made, words=f"Step {number}")
    first = ward.read(timeline_page, ward.cem, made, size=3)
    rest = ward.read(timeline_page, ward.cem, made, cursor=first.next_cursor, size=3)
    assert [one.text for one in [*first.rows, *rest.rows]][1:] == ["Step 0", "Step 1", "Step 2", "Step 3"]
    assert rest.next_cursor is None
    with pytest.raises(NotAllowed):
        ward.write(say, ward.cem, made, words="I look on.")


def test_lists_are_filtered_and_the_worst_stands_first(ward: Ward):
    low = ward.declare("Low")
    high = ward.declare("High", symptom="errors", agent="other")
    done = ward.declare("Done")
    ward.write(resolve_incident, ward.ann, done)
    assert [one.id for one in ward.read(under_way, ward.cem)] == [high, low]
    assert ward.read(under_way_count, ward.cem) == 2
    asked: dict[str, dict[str, Any]] = {
        done: {"state": "resolved"}, high: {"severity": "sev2"}, low: {"agent": "supplier-mail", "is_under_way": True},
    }  # fmt: skip
    assert all(
        [one.id for one in ward.read(incidents_page, ward.cem, **more).rows] == [want] for want, more in asked.items()
    )
    page = ward.read(incidents_page, ward.cem, size=2)
    rest = ward.read(incidents_page, ward.cem, size=2, cursor=page.next_cursor)
    assert [one.id for one in [*page.rows, *rest.rows]] == [done, high, low]


def test_a_key_of_another_environment_knows_nothing_of_it(ward: Ward):
    from dataclasses import replace

    made = ward.declare()
    bound = replace(ward.ann, environment_id=ward.at.environments["staging"])
    assert ward.read(incidents_page, bound).rows == []
    with pytest.raises(NotFound):
        ward.detail(made, bound)
