"""Saving the draft: a late save is refused and both texts are kept."""

from __future__ import annotations

import pytest

from signoff.agents.actions import freeze_revision, reset_draft, save_draft, save_draft_or_keep
from signoff.agents.actions.drafts import REFUSED_SAVES_MAX, keep_refused_save
from signoff.agents.queries import draft_of, refused_saves
from signoff.agents.refusals import StaleDraft
from signoff.kit.errors import Malformed
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import agent, body, person, place


def test_the_second_of_two_saves_is_refused_and_kept(store: Store):
    at = place(store)
    ann, bob = person(store, at, "Ann"), person(store, at, "Bob")
    agent_id = agent(store, ann)
    assert save_draft_or_keep(store, ann, agent_id, body=body(sop="Ann's"), version=1) == 2
    with pytest.raises(StaleDraft, match="Ann saved version 2") as refused:
        save_draft_or_keep(store, bob, agent_id, body=body(sop="Bob's"), version=1)
    assert refused.value.status == 409
    assert refused.value.extra["current"]["body"]["sop"] == "Ann's"
    assert refused.value.extra["yours"]["body"]["sop"] == "Bob's"
    with store.read() as session:
        assert draft_of(session, ann, agent_id).body["sop"] == "Ann's"
        (kept,) = refused_saves(session, ann, agent_id)
        assert (kept.id, kept.body["sop"], kept.author_name) == (refused.value.extra["kept_as"], "Bob's", "Bob")


def test_an_equal_text_makes_no_version(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    for _ in range(3):
        assert save_draft_or_keep(store, ann, agent_id, body=body(), version=1) == 1


def test_a_draft_may_be_wrong_and_comes_back_as_it_was(store: Store):
    ann = person(store, place(store), "Ann")
    wrong = {"sop": 5, "modle": ["x"], "limits": {"turns": "many", "ratio": 0.1, "whole": 1e17}}
    agent_id = agent(store, ann)
    save_draft_or_keep(store, ann, agent_id, body=wrong, version=1)
    with store.read() as session:
        assert draft_of(session, ann, agent_id).body == wrong


@pytest.mark.parametrize("hostile", [{"sop": "x" * 1_000_001}, {"n": float("inf")}, {"n": 10**30}, {"n": object()}])
def test_what_no_database_takes_is_refused(store: Store, hostile: dict[str, object]):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    with pytest.raises(Malformed):
        save_draft_or_keep(store, ann, agent_id, body=hostile, version=1)


def test_nul_and_lone_surrogates_do_not_break_a_save(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    save_draft_or_keep(store, ann, agent_id, body=body(sop="a\x00b\ud800c\r\nd\n\n"), version=1)
    with store.read() as session:
        assert draft_of(session, ann, agent_id).body["sop"] == "a\ufffdb?c\nd"


def test_the_draft_goes_back_to_a_revision(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    with store.write() as session:
        freeze_revision(session, ann, agent_id, reason="first")
        save_draft(session, ann, agent_id, body=body(sop="Other"), version=1)
    with store.write() as session:
        assert reset_draft(session, ann, agent_id, revision=1, version=2) == 3
    with store.read() as session:
        assert draft_of(session, ann, agent_id).body["sop"] == body()["sop"]


def test_kept_texts_have_a_limit(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    with store.write() as session:
        for number in range(REFUSED_SAVES_MAX + 5):
            keep_refused_save(session, ann, agent_id, body=body(sop=str(number)), version=1)
        found = refused_saves(session, ann, agent_id, limit=200)
    assert len(found) == REFUSED_SAVES_MAX
