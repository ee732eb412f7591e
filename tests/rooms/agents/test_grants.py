"""Levels on one agent: what they let somebody do, who may give them, and what lists show by them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from signoff.agents.actions import edit_agent, freeze_revision, give_grant, save_draft, take_grant
from signoff.agents.grants import access_to, grants_on
from signoff.agents.queries import agent_by_slug, agents_page, draft_of
from signoff.agents.tags import tags_in_use
from signoff.freezes.actions import order_freeze
from signoff.freezes.queries import active_freezes
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal, authorize, can
from signoff.people.actions import remove_member
from signoff.people.levels import LEVEL_ACTIONS, LEVELS, Level
from signoff.people.membership import principal_of_member
from signoff.people.roles import ACTIONS, Action
from signoff.runs.actions import request_run
from signoff.runs.by_agent import figures_by_agent
from signoff.runs.figures import open_counts
from signoff.runs.filters import RunFilter
from signoff.runs.queries import attention_count, counts_by_state, run, runs_page
from signoff.tables.people import Member, Person
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import Place, agent, body, person, place


@pytest.fixture
def at(store: Store) -> Place:
    return place(store)


@pytest.fixture
def ann(store: Store, at: Place) -> Principal:
    return person(store, at, "Ann", "administrator")


def outsider(store: Store, at: Place, name: str = "Olga") -> Principal:
    """Somebody whose role allows nothing with agents: all they may do comes from grants."""
    found = person(store, at, name, "viewer")
    return replace(found, permissions={"workspace.read": "all", "member.read": "all"})


def give(store: Store, by: Principal, agent_id: str, to: Principal, *levels: Level) -> Principal:
    """Give the levels and return the holder as the next request sees them."""
    with store.write() as session:
        for level in levels:
            give_grant(session, by, agent_id, member_id=to.id, level=level)
    return with_grants(store, to)


def with_grants(store: Store, who: Principal) -> Principal:
    with store.read() as session:
        row = session.execute(
            select(Member, Person).join(Person, Person.id == Member.person_id).where(Member.id == who.id)
        ).one()
        return replace(who, grants=principal_of_member(session, *row).grants)


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_allows_what_it_says_on_that_agent_alone(store: Store, at: Place, ann: Principal, level: Level) -> None:
    here, there = agent(store, ann), agent(store, ann, "other")
    olga = give(store, ann, here, outsider(store, at), level)
    asked: list[Action] = [action for action in ACTIONS if action not in ("workspace.read", "member.read")]
    assert {one for one in asked if can(olga, one, owners=(ann.id,), agent_id=here)} == LEVEL_ACTIONS[level]
    assert {one for one in asked if can(olga, one, owners=(ann.id,), agent_id=there)} == set()


def test_an_editor_does_not_deploy_and_a_deployer_does_not_edit() -> None:
    assert "agent.deploy" not in LEVEL_ACTIONS["editor"]
    assert "agent.edit" not in LEVEL_ACTIONS["deployer"]
    assert [level for level in LEVELS if "agent.share" in LEVEL_ACTIONS[level]] == ["admin"]


def test_what_an_editor_does_is_done(store: Store, at: Place, ann: Principal) -> None:
    here, there = agent(store, ann), agent(store, ann, "other")
    olga = give(store, ann, here, outsider(store, at), "editor")
    with store.write() as session:
        save_draft(session, olga, here, body=body(sop="Olga's words."), version=1)
        freeze_revision(session, olga, here, reason="better")
        assert draft_of(session, olga, here).updated_by == olga.id
    for attempt in (
        lambda session: edit_agent(session, olga, there, name="Mine"),
        lambda session: draft_of(session, olga, there),
        lambda session: give_grant(session, olga, here, member_id=olga.id, level="admin"),
    ):
        with pytest.raises(NotAllowed), store.write() as session:
            attempt(session)


def test_lists_show_what_a_grant_lets_one_see(store: Store, at: Place, ann: Principal) -> None:
    here, there = agent(store, ann), agent(store, ann, "other")
    with store.write() as session:
        for agent_id, tag in ((here, "mine"), (there, "theirs")):
            edit_agent(session, ann, agent_id, tags=[tag])
            revision = freeze_revision(session, ann, agent_id, reason="first")
            request_run(
                session, ann, agent=agent_id, input={}, environment="staging", revision=revision.number, title=tag
            )
            order_freeze(session, ann, scope="agent", target_id=agent_id, reason=tag)
    nobody = outsider(store, at)
    with store.read() as session:
        for refused in (agents_page, active_freezes, open_counts, attention_count, tags_in_use):
            with pytest.raises(NotAllowed):
                refused(session, nobody)
    olga = give(store, ann, here, nobody, "viewer")
    with store.read() as session:
        assert [one.id for one in agents_page(session, olga).rows] == [here]
        assert agents_page(session, olga, q="other").rows == []
        assert tags_in_use(session, olga) == ["mine"]
        assert [one.reason for one in active_freezes(session, olga)] == ["mine"]
        shown = runs_page(session, olga, RunFilter()).rows
        assert [one.title for one in shown] == ["mine"]
        assert run(session, olga, shown[0].id).run.agent_id == here
        assert counts_by_state(session, olga)["queued"] == open_counts(session, olga)["queued"] == 1
        assert figures_by_agent(session, olga, [here, there], since=shown[0].created_at)[there].runs == 0
        hidden = next(one for one in runs_page(session, ann, RunFilter()).rows if one.title == "theirs")
        with pytest.raises(NotAllowed):
            run(session, olga, hidden.id)
        with pytest.raises(NotAllowed):
            agent_by_slug(session, olga, "other")


def test_who_shares_gives_no_more_than_they_may(store: Store, at: Place, ann: Principal) -> None:
    bea = person(store, at, "Bea", "builder")
    mine, theirs = agent(store, bea, "mine"), agent(store, ann, "theirs")
    olga = outsider(store, at)
    shared = give(store, bea, mine, olga, "admin")
    assert shared.grants == {mine: frozenset({"admin"})}
    with pytest.raises(NotAllowed), store.write() as session:
        give_grant(session, bea, theirs, member_id=olga.id, level="viewer")
    # Whoever has the right to share, and not the right to deploy, does not give it.
    sharer = replace(bea, permissions={**bea.permissions, "agent.deploy": "own", "agent.share": "all"})
    with pytest.raises(NotAllowed) as refused, store.write() as session:
        give_grant(session, sharer, theirs, member_id=olga.id, level="deployer")
    assert "agent.deploy" in refused.value.extra["required"]


def test_given_twice_unknown_or_to_a_stranger_it_is_refused(store: Store, at: Place, ann: Principal) -> None:
    here, elsewhere = agent(store, ann), place(store, "elsewhere")
    olga, zoe = outsider(store, at), person(store, elsewhere, "Zoe")
    give(store, ann, here, olga, "viewer")
    for error, who, level in (
        (NotNow, olga.id, "viewer"),
        (Malformed, olga.id, "king"),
        (Malformed, zoe.id, "viewer"),
        (Malformed, "mem_nobody", "viewer"),
    ):
        with pytest.raises(error), store.write() as session:
            give_grant(session, ann, here, member_id=who, level=level)
    with pytest.raises(NotFound), store.write() as session:
        give_grant(session, zoe, here, member_id=zoe.id, level="viewer")
    with store.read() as session, pytest.raises(NotFound):
        grants_on(session, zoe, here)


def test_taken_back_it_is_gone_with_an_audit_row(store: Store, at: Place, ann: Principal) -> None:
    here = agent(store, ann)
    olga = give(store, ann, here, outsider(store, at), "viewer", "deployer")
    with store.write() as session:
        grant = next(one for one in grants_on(session, ann, here) if one.level == "deployer")
        take_grant(session, ann, here, grant.id)
        with pytest.raises(NotFound):
            take_grant(session, ann, here, grant.id)
    assert with_grants(store, olga).grants == {here: frozenset({"viewer"})}
    with store.read() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action.startswith("grant.")).order_by(AuditRow.seq))
        told = [(row.action, row.object_id, row.detail["level"]) for row in rows]
    assert told == [
        ("grant.given", here, "viewer"), ("grant.given", here, "deployer"), ("grant.taken", here, "deployer")
    ]  # fmt: skip


def test_who_leaves_takes_no_grant_along(store: Store, at: Place, ann: Principal) -> None:
    here = agent(store, ann)
    olga = give(store, ann, here, outsider(store, at), "admin")
    with store.write() as session:
        remove_member(session, ann, olga.id)
    with store.read() as session:
        assert grants_on(session, ann, here) == []
    assert with_grants(store, olga).grants == {}


def test_scopes_and_another_environment_narrow_grants_as_well() -> None:
    held = Principal("member", "mem_1", "M", "ws_1", "viewer", permissions={}, grants={"agt_1": frozenset({"admin"})})
    authorize(held, "agent.edit", owners=(None,), agent_id="agt_1")
    assert not can(replace(held, scopes=frozenset({"run.read"})), "agent.edit", owners=(None,), agent_id="agt_1")
    assert not can(replace(held, environment_id="env_s"), "run.start", agent_id="agt_1", environment_id="env_p")
    # Sharing reaches into every environment, so a caller bound to one does not.
    assert not can(replace(held, environment_id="env_s"), "agent.share", agent_id="agt_1")


def test_the_access_of_an_agent_says_who_and_why(store: Store, at: Place, ann: Principal) -> None:
    bea, cleo = person(store, at, "Bea", "builder"), person(store, at, "Cleo", "member")
    here = agent(store, bea)
    with store.write() as session:
        edit_agent(session, bea, here, backup_id=ann.id)
    give(store, bea, here, cleo, "operator", "deployer")
    with store.read() as session:
        found = {one.name: one for one in access_to(session, ann, here)}
    assert set(found) == {"Ann", "Bea", "Cleo"}
    assert (found["Bea"].is_owner, found["Ann"].is_backup, found["Cleo"].grants[0].granted_by_name) == (
        True, True, "Bea",
    )  # fmt: skip
    assert "agent.deploy" in found["Cleo"].actions
    assert "agent.edit" not in found["Cleo"].actions
