"""The runs that show it: of its agent, in its workspace, and told only to whom may see them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signoff.incidents.evidence import add_runs, drop_run, gather_runs
from signoff.incidents.queries import evidence_page
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound
from tests.rooms.agents import kit_agents
from tests.rooms.incidents.kit_incidents import Ward, make_ward, ward

__all__ = ["ward"]


def test_runs_are_added_once_and_taken_away(ward: Ward):
    run, made = ward.fail(), ward.declare()
    assert ward.write(add_runs, ward.ben, made, [run, run]) == 1
    assert ward.write(add_runs, ward.ben, made, [run]) == 0
    (found,) = ward.read(evidence_page, ward.ann, made).rows
    assert (found.id, found.code, found.added_by_name) == (run, "provider_error", "Ben")
    ward.write(drop_run, ward.ben, made, run)
    assert ward.read(evidence_page, ward.ann, made).rows == []
    with pytest.raises(NotFound):
        ward.write(drop_run, ward.ben, made, run)
    assert ward.audited()[1:] == ["incident.runs_added", "incident.run_dropped"]


def test_a_run_of_another_agent_or_workspace_shows_nothing_of_it(ward: Ward):
    made = ward.declare()
    with pytest.raises(Malformed):
        ward.write(add_runs, ward.ann, made, [ward.fail(agent="other")])
    with pytest.raises(Malformed):
        ward.write(add_runs, ward.ann, made, [])
    elsewhere = make_ward(ward.store, "elsewhere").fail()
    with pytest.raises(NotFound):
        ward.write(add_runs, ward.ann, made, [elsewhere])
    assert ward.read(evidence_page, ward.ann, made).rows == []


def test_what_failed_around_its_beginning_is_gathered(ward: Ward):
    mine = [ward.fail(), ward.fail()]
    ward.fail(agent="other")
    ward.fail(mode="shadow")
    made = ward.declare(began_at=clock.now() - timedelta(minutes=5))
    assert ward.write(gather_runs, ward.ben, made) == 2
    assert sorted(one.id for one in ward.read(evidence_page, ward.ann, made).rows) == sorted(mine)
    assert ward.write(gather_runs, ward.ben, made) == 0
    with pytest.raises(Malformed):
        ward.write(gather_runs, ward.ann, ward.declare(agent=None))


def test_whoever_sees_only_their_own_runs_sees_no_others_here(ward: Ward):
    run, made = ward.fail(), ward.declare()
    ward.write(add_runs, ward.ann, made, [run])
    member = kit_agents.person(ward.store, ward.at, "Mia", "member")
    assert ward.read(evidence_page, member, made).rows == []
    assert ward.detail(made, member).runs == 0
    assert ward.detail(made, ward.ben).runs == 1
    with pytest.raises(NotAllowed):
        ward.write(add_runs, member, made, [run])


def test_a_sev1_by_who_may_not_pause_is_refused_whole(ward: Ward):
    # Dora declares about no agent: there is nothing to pause. About Ben's agent she may not at all.
    with pytest.raises(NotAllowed):
        ward.declare(who=ward.dora, severity="sev1")
    assert ward.incidents() == []
