"""Undoing, redoing and resetting a draft: each earlier text comes back exactly, as a version of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, select

from signoff.agents.actions import (
    draft_changes,
    freeze_revision,
    redo_draft,
    reset_draft,
    save_draft,
    undo_draft,
)
from signoff.agents.draft_saves import draft_history, saved_version
from signoff.agents.queries import draft_of
from signoff.agents.refusals import NothingToRedo, NothingToResetTo, NothingToUndo, StaleDraft
from signoff.kit.errors import NotAllowed, NotFound
from signoff.people.access import Principal
from signoff.tables.agents import DraftSave
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import agent, body, person, place

TEXTS = {"one": body(sop="One."), "two": body(sop="Two.", secrets=["KEY"]), "three": {"sop": 3, "odd": [1.5, None]}}


def test_edits_are_undone_and_redone_one_by_one(store: Store):
    ann = person(store, place(store), "Ann")
    name = agent(store, ann)
    with store.write() as session:
        for version, text in enumerate(TEXTS.values(), 1):
            assert save_draft(session, ann, name, body=text, version=version) == version + 1
        for version, expected in ((4, "two"), (5, "one")):
            assert undo_draft(session, ann, name, version=version) == version + 1
            assert draft_of(session, ann, name).body == TEXTS[expected]
        assert undo_draft(session, ann, name, version=6) == 7
        assert draft_of(session, ann, name).body == body()
        with pytest.raises(NothingToUndo, match="before version 7"):
            undo_draft(session, ann, name, version=7)
        for version, expected in ((7, "one"), (8, "two"), (9, "three")):
            assert redo_draft(session, ann, name, version=version) == version + 1
            assert draft_of(session, ann, name).body == TEXTS[expected]
        with pytest.raises(NothingToRedo, match="since version 10"):
            redo_draft(session, ann, name, version=10)
        assert undo_draft(session, ann, name, version=10) == 11
        assert draft_of(session, ann, name).body == TEXTS["two"]
        found = draft_history(session, ann, name)
    assert (found.version, found.can_undo, found.can_redo) == (11, True, True)
    kinds = ["created", *["saved"] * 3, *["undone"] * 3, *["redone"] * 3, "undone"]
    assert [(save.version, save.kind) for save in reversed(found.saves)] == list(enumerate(kinds, 1))


def test_a_save_after_undoing_ends_redoing_and_its_text_is_still_kept(store: Store):
    ann = person(store, place(store), "Ann")
    name = agent(store, ann)
    with store.write() as session:
        save_draft(session, ann, name, body=TEXTS["one"], version=1)
        undo_draft(session, ann, name, version=2)
        save_draft(session, ann, name, body=TEXTS["two"], version=3)
        with pytest.raises(NothingToRedo):
            redo_draft(session, ann, name, version=4)
        undo_draft(session, ann, name, version=4)
        assert draft_of(session, ann, name).body == body()
        assert saved_version(session, ann, name, 2).body == TEXTS["one"]
        with pytest.raises(NotFound, match="Version 9"):
            saved_version(session, ann, name, 9)


def test_a_reset_goes_to_the_last_frozen_or_the_named_revision_and_is_undone(store: Store):
    ann = person(store, place(store), "Ann")
    name = agent(store, ann)
    with store.write() as session:
        with pytest.raises(NothingToResetTo, match="Nothing of"):
            reset_draft(session, ann, name, version=1)
        freeze_revision(session, ann, name, reason="first")
        save_draft(session, ann, name, body=TEXTS["one"], version=1)
        freeze_revision(session, ann, name, reason="second")
        save_draft(session, ann, name, body=TEXTS["two"], version=2)
        assert reset_draft(session, ann, name, version=3) == 4
        assert draft_of(session, ann, name).body["sop"] == "One."
        # It equals the revision already.
        assert reset_draft(session, ann, name, version=4) == 4
        assert reset_draft(session, ann, name, revision=1, version=4) == 5
        assert [(save.kind, save.revision) for save in draft_history(session, ann, name).saves[:2]] == [
            ("reset", 1), ("reset", 2),
        ]  # fmt: skip
        undo_draft(session, ann, name, version=5)
        undo_draft(session, ann, name, version=6)
        assert draft_of(session, ann, name).body == TEXTS["two"]


@pytest.mark.parametrize("verb", [undo_draft, redo_draft, reset_draft])
def test_a_version_that_is_not_the_present_one_is_refused_with_the_text_that_is(store: Store, verb: Callable[..., int]):
    at = place(store)
    ann, bob = person(store, at, "Ann"), person(store, at, "Bob")
    name = agent(store, ann)
    with store.write() as session:
        freeze_revision(session, ann, name, reason="first")
        save_draft(session, ann, name, body=TEXTS["one"], version=1)
    with store.write() as session, pytest.raises(StaleDraft, match="Ann saved version 2") as refused:
        verb(session, bob, name, version=1)
    assert refused.value.status == 409
    assert refused.value.extra["current"]["body"] == TEXTS["one"]
    with store.read() as session:
        assert draft_of(session, ann, name).version == 2


def test_each_is_in_the_audit_and_needs_the_right_to_edit(store: Store):
    at = place(store)
    ann, eve = person(store, at, "Ann"), person(store, at, "Eve", "viewer")
    other = person(store, place(store, "other"), "Olaf")
    name = agent(store, ann)
    with store.write() as session:
        freeze_revision(session, ann, name, reason="first")
        save_draft(session, ann, name, body=TEXTS["one"], version=1)
        undo_draft(session, ann, name, version=2)
        redo_draft(session, ann, name, version=3)
        reset_draft(session, ann, name, version=4)
    with store.read() as session:
        wanted = select(AuditRow.action).where(AuditRow.action.like("agent.draft%")).order_by(AuditRow.seq)
        assert session.scalars(wanted).all() == [
            "agent.draft_saved", "agent.draft_undone", "agent.draft_redone", "agent.draft_reset",
        ]  # fmt: skip
        for verb in (undo_draft, redo_draft, reset_draft):
            with pytest.raises(NotAllowed):
                verb(session, eve, name, version=5)
            with pytest.raises(NotFound):
                verb(session, other, name, version=5)
        with pytest.raises(NotFound):
            draft_history(session, other, name)
        with pytest.raises(NotFound):
            saved_version(session, other, name, 1)


def test_what_is_kept_has_a_limit_in_number(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(draft_changes, "SAVES_MAX", 5)
    ann = person(store, place(store), "Ann")
    name = agent(store, ann)
    with store.write() as session:
        for version in range(1, 9):
            save_draft(session, ann, name, body=body(sop=str(version)), version=version)
        assert [save.version for save in draft_history(session, ann, name).saves] == [9, 8, 7, 6, 5]
        version = 9
        for expected in ("7", "6"):
            version = undo_draft(session, ann, name, version=version)
            assert draft_of(session, ann, name).body["sop"] == expected
        # Undoing makes versions too, so the oldest are gone by now.
        with pytest.raises(NothingToUndo):
            undo_draft(session, ann, name, version=version)
        assert draft_history(session, ann, name).can_undo is False


def test_what_is_kept_has_a_limit_in_length_and_the_last_change_can_always_be_undone(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(draft_changes, "SAVES_CHARS_MAX", 3_000)
    ann = person(store, place(store), "Ann")
    name = agent(store, ann)
    with store.write() as session:
        for version, length in enumerate((800, 800, 800, 9_000, 9_500), 1):
            save_draft(session, ann, name, body=body(sop="x" * length + str(version)), version=version)
        assert [save.version for save in draft_history(session, ann, name).saves] == [6, 5]
        undo_draft(session, ann, name, version=6)
        assert draft_of(session, ann, name).body["sop"] == "x" * 9_000 + "4"


def test_drafts_that_were_saved_by_a_release_without_a_history_are_undone_as_well(store: Store):
    ann = person(store, place(store), "Ann")
    name = agent(store, ann)
    with store.write() as session:
        save_draft(session, ann, name, body=TEXTS["one"], version=1)
        # What an older process would leave behind: the draft at version 2, and no row of it.
        session.execute(delete(DraftSave).where(DraftSave.version == 2))
    with store.write() as session:
        assert draft_of(session, ann, name).can_undo
        assert save_draft(session, ann, name, body=TEXTS["two"], version=2) == 3
        undo_draft(session, ann, name, version=3)
        assert draft_of(session, ann, name).body == TEXTS["one"]
        undo_draft(session, ann, name, version=4)
        assert draft_of(session, ann, name).body == body()


def test_of_several_that_undo_the_same_version_one_does(store: Store):
    ann = person(store, place(store), "Ann")
    name = agent(store, ann)
    with store.write() as session:
        save_draft(session, ann, name, body=TEXTS["one"], version=1)
        save_draft(session, ann, name, body=TEXTS["two"], version=2)

    def undo(who: Principal) -> str:
        try:
            with store.write() as session:
                return str(undo_draft(session, who, name, version=3))
        except StaleDraft:
            return "stale"

    with ThreadPoolExecutor(4) as callers:
        assert sorted(callers.map(undo, [ann] * 4)) == ["4", "stale", "stale", "stale"]
    with store.read() as session:
        assert draft_of(session, ann, name).body == TEXTS["one"]
