"""Making, naming, finding and switching off agents."""

from __future__ import annotations

import pytest

from signoff.agents.actions import create_agent, disable_agent, edit_agent, enable_agent
from signoff.agents.queries import agent_by_slug, agents_page, draft_of
from signoff.agents.refusals import SlugTaken
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.record import audit
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import agent, body, person, place


def test_a_new_agent_is_its_makers_and_has_a_draft(store: Store):
    at = place(store)
    ann = person(store, at, "Ann", "builder")
    with store.write() as session:
        agent_id = create_agent(session, ann, slug="bills", name=" Bills ", body=body(), tags=["finance", "finance"])
    with store.read() as session:
        found = agent_by_slug(session, ann, "bills")
        assert (found.id, found.name, found.tags, found.last_revision) == (agent_id, "Bills", ("finance",), 0)
        assert found.owner is not None
        assert found.owner.name == "Ann"
        assert found.has_unfrozen_edits
        assert draft_of(session, ann, agent_id).body == body()
        assert audit.verify(session, at.workspace_id).rows == 1


def test_the_slug_is_taken_once_per_workspace(store: Store):
    one, two = place(store, "one"), place(store, "two")
    ann, bob = person(store, one, "Ann"), person(store, two, "Bob")
    agent(store, ann)
    agent(store, bob)
    with pytest.raises(SlugTaken, match="supplier-mail"):
        agent(store, ann)


@pytest.mark.parametrize(
    ("field", "value"),
    [("slug", "Bad Slug"), ("name", " "), ("name", "x" * 121), ("tags", ["t" * 41]), ("owner_id", "mem_nobody")],
)
def test_a_wrong_field_is_named(store: Store, field: str, value: object):
    ann = person(store, place(store), "Ann")
    fields: dict[str, object] = {"slug": "bills", "name": "Bills", field: value}
    with pytest.raises(Malformed) as refused, store.write() as session:
        create_agent(session, ann, **fields)  # pyright: ignore[reportArgumentType]
    assert list(refused.value.errors) == [field]


def test_a_stranger_sees_nothing(store: Store):
    ann, eve = person(store, place(store, "one"), "Ann"), person(store, place(store, "two"), "Eve")
    agent_id = agent(store, ann)
    with store.read() as session:
        assert agents_page(session, eve).rows == []
        for name in (agent_id, "supplier-mail"):
            with pytest.raises(NotFound):
                agent_by_slug(session, eve, name)


def test_a_builder_edits_only_their_own(store: Store):
    at = place(store)
    ann, bob = person(store, at, "Ann", "builder"), person(store, at, "Bob", "builder")
    agent_id = agent(store, ann)
    with pytest.raises(NotAllowed), store.write() as session:
        edit_agent(session, bob, agent_id, name="Mine")
    with store.write() as session:
        assert edit_agent(session, ann, agent_id, owner_id=bob.id)
    with store.write() as session:
        assert edit_agent(session, bob, agent_id, name="Ours")
        assert not edit_agent(session, bob, agent_id, name="Ours")
    with pytest.raises(NotAllowed), store.write() as session:
        edit_agent(session, ann, agent_id, name="Mine again")


def test_switching_off_and_on(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    with store.write() as session:
        disable_agent(session, ann, agent_id, reason="loops")
    with pytest.raises(NotNow), store.write() as session:
        disable_agent(session, ann, agent_id)
    with store.read() as session:
        assert agent_by_slug(session, ann, agent_id).state == "disabled"
    with store.write() as session:
        enable_agent(session, ann, agent_id)


def test_pages_go_forth_and_back(store: Store):
    ann = person(store, place(store), "Ann")
    slugs = [f"agent-{number}" for number in range(7)]
    for slug in slugs:
        agent(store, ann, slug)
    with store.read() as session:
        first = agents_page(session, ann, size=3)
        second = agents_page(session, ann, size=3, cursor=first.next_cursor)
        third = agents_page(session, ann, size=3, cursor=second.next_cursor)
        pages = [row.slug for page in (first, second, third) for row in page.rows]
        assert pages == slugs[::-1]
        assert (first.previous_cursor, third.next_cursor) == (None, None)
        back = agents_page(session, ann, size=3, cursor=third.previous_cursor)
        assert [row.slug for row in back.rows] == [row.slug for row in second.rows]
        with pytest.raises(Malformed):
            agents_page(session, ann, cursor="bm90IG91cnM")


def test_searching(store: Store):
    at = place(store)
    ann = person(store, at, "Ann")
    agent_id = agent(store, ann, "bills")
    agent(store, ann, "letters")
    with store.write() as session:
        edit_agent(session, ann, agent_id, name="100% of Bills", tags=["fin%", "q\"'"])
        disable_agent(session, ann, agent_id)
    with store.read() as session:
        assert [row.slug for row in agents_page(session, ann, q="0% OF").rows] == ["bills"]
        assert [row.slug for row in agents_page(session, ann, q="l_tt").rows] == []
        assert [row.slug for row in agents_page(session, ann, tag="q\"'").rows] == ["bills"]
        assert [row.slug for row in agents_page(session, ann, tag="fin").rows] == []
        assert [row.slug for row in agents_page(session, ann, state="active").rows] == ["letters"]
