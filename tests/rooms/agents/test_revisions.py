"""Freezing: numbered, content-addressed, for ever the same bytes."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from signoff.agents.actions import create_agent, freeze_revision, save_draft
from signoff.agents.body import Body
from signoff.agents.queries import revision, revision_body, revisions_page
from signoff.agents.refusals import LintFailed, NothingChanged, StaleDraft
from signoff.kit.canonical import canonical_json, content_hash
from signoff.kit.errors import Malformed, NotFound, Refusal, StoreError
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import agent, body, person, place


def test_two_edits_make_two_revisions(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    with store.write() as session:
        first = freeze_revision(session, ann, agent_id, reason="first", name="One")
    with store.write() as session:
        save_draft(session, ann, agent_id, body=body(sop="Do it better."), version=1)
        second = freeze_revision(session, ann, agent_id, reason="second", version=2)
    assert (first.number, second.number, first.name, second.reason) == (1, 2, "One", "second")
    with store.read() as session:
        assert revision(session, ann, agent_id, 1).body["sop"] == body()["sop"]
        assert revision(session, ann, "supplier-mail", second.id).facts == second
        assert [row.number for row in revisions_page(session, ann, agent_id).rows] == [2, 1]
        assert revision_body(session, second.id).sop == "Do it better."
        for wrong in (3, "rev_none", "²"):
            with pytest.raises(NotFound):
                revision(session, ann, agent_id, wrong)


def test_a_revision_is_the_same_bytes_after_100_edits(store: Store):
    ann = person(store, place(store), "Ann")
    numbers = {"type": "object", "properties": {"n": {"maximum": 1e20 / 1e4, "multipleOf": 1e-7, "minimum": -0.0}}}
    agent_id = agent(store, ann, output_schema=numbers)
    with store.write() as session:
        first = freeze_revision(session, ann, agent_id, reason="first")
    with store.read() as session:
        before = canonical_json(revision(session, ann, agent_id, 1).body)
    for version in range(1, 101):
        with store.write() as session:
            save_draft(session, ann, agent_id, body=body(sop=f"Edit {version}."), version=version)
            if version % 10 == 0:
                freeze_revision(session, ann, agent_id, reason=f"edit {version}")
    with store.read() as session:
        after = revision(session, ann, agent_id, 1)
        assert canonical_json(after.body) == before
        assert content_hash(after.body) == after.facts.hash == first.hash
        assert revisions_page(session, ann, agent_id).rows[0].number == 11


@pytest.mark.parametrize("statement", ["update revisions set reason = 'x'", "delete from revisions"])
def test_the_database_refuses_to_change_a_revision(store: Store, statement: str):
    ann = person(store, place(store), "Ann")
    with store.write() as session:
        freeze_revision(session, ann, agent_in(session, ann), reason="first")
    with pytest.raises(DBAPIError, match="never changes"), store.write() as session:
        session.execute(text(statement))


def agent_in(session: Any, who: Any) -> str:
    return create_agent(session, who, slug="bills", name="Bills", body=body())


@pytest.mark.parametrize("statement", ["update audit set action = 'x'", "delete from audit"])
def test_the_database_refuses_to_change_the_audit(store: Store, statement: str):
    ann = person(store, place(store), "Ann")
    agent(store, ann)
    with pytest.raises(DBAPIError, match="never changes"), store.write() as session:
        session.execute(text(statement))


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_postgres_refuses_to_empty_the_table(store: Store):
    with pytest.raises(DBAPIError, match="never changes"), store.write() as session:
        session.execute(text("truncate revisions cascade"))


def test_nothing_changed_is_said(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    with store.write() as session:
        freeze_revision(session, ann, agent_id, reason="first")
    # Another spelling of the same content: a default said aloud, a number with a point, Windows line ends.
    same = body(sop=body()["sop"].replace("\n", "\r\n") + "\r\n", limits={"turns": 40, "cost_usd": 1.0})
    with store.write() as session:
        save_draft(session, ann, agent_id, body=same, version=1)
    with pytest.raises(NothingChanged, match="revision 1"), store.write() as session:
        freeze_revision(session, ann, agent_id, reason="again")


def test_every_error_is_told_at_once(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann, sop="", modle=1, limits={"turns": 0}, output_schema={"type": "objekt"})
    with pytest.raises(LintFailed) as refused, store.write() as session:
        freeze_revision(session, ann, agent_id, reason="first")
    codes = {finding["code"] for finding in refused.value.extra["findings"] if finding["severity"] == "error"}
    assert codes == {"sop_empty", "unknown_field", "out_of_range", "bad_schema"}
    assert refused.value.status == 422


def test_freezing_another_version_than_read_is_refused(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    with store.write() as session:
        save_draft(session, ann, agent_id, body=body(sop="Newer."), version=1)
    with pytest.raises(StaleDraft), store.write() as session:
        freeze_revision(session, ann, agent_id, reason="x", version=1)


@pytest.mark.parametrize(("field", "value"), [("reason", ""), ("reason", "x" * 501), ("name", "x" * 81)])
def test_reasons_and_names_have_bounds(store: Store, field: str, value: str):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    fields: dict[str, Any] = {"reason": "because", field: value}
    with pytest.raises(Malformed) as refused, store.write() as session:
        freeze_revision(session, ann, agent_id, **fields)
    assert list(refused.value.errors) == [field]


def test_freezing_at_the_same_moment_is_clean(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    start = threading.Barrier(4)
    numbers: list[int] = []
    refusals: list[Refusal] = []

    def freeze(turn: int) -> None:
        start.wait()
        try:
            with store.write() as session:
                numbers.append(freeze_revision(session, ann, agent_id, reason=f"turn {turn}").number)
        except Refusal as refusal:
            refusals.append(refusal)

    threads = [threading.Thread(target=freeze, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers == [1]
    assert [refusal.status for refusal in refusals] == [409, 409, 409]


def test_saving_and_freezing_at_the_same_moment_is_clean(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    start = threading.Barrier(4)
    numbers: list[int] = []
    refusals: list[Refusal] = []

    def work(turn: int) -> None:
        start.wait()
        for round_ in range(5):
            try:
                with store.write() as session:
                    version = 1 + len(numbers)
                    save_draft(session, ann, agent_id, body=body(sop=f"{turn} {round_}"), version=version)
                    numbers.append(freeze_revision(session, ann, agent_id, reason="race").number)
            except Refusal as refusal:
                refusals.append(refusal)

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {refusal.status for refusal in refusals} <= {409}
    with store.read() as session:
        stored = [row.number for row in revisions_page(session, ann, agent_id).rows]
    assert stored == list(range(len(stored), 0, -1))
    assert sorted(numbers) == sorted(stored)


def test_damaged_content_does_not_run(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    with store.write() as session:
        frozen = freeze_revision(session, ann, agent_id, reason="first")
    with store.write() as session:
        # Somebody with the database's own rights takes the guard away first.
        if store.is_sqlite:
            session.execute(text("drop trigger revisions_never_update"))
        else:
            session.execute(text("alter table revisions disable trigger user"))
        session.execute(text("update revisions set hash = '0'"))
    with pytest.raises(StoreError, match="not what was frozen"), store.read() as session:
        revision_body(session, frozen.id)


def test_money_and_numbers_keep_one_form():
    one = Body.model_validate(body(limits={"cost_usd": "0.50"}))
    two = Body.model_validate(body(limits={"cost_usd": 0.5, "wall_seconds": 1800}))
    assert one.hash == two.hash
    assert one.plain()["limits"]["cost_usd"] == "0.5"
    assert two.limits.cost_usd == Decimal("0.5")


@pytest.mark.parametrize("limits", [{"turns": True}, {"turns": "4"}, {"turns": 4.5}, {"cost_usd": True}])
def test_numbers_are_not_guessed(limits: dict[str, object]):
    with pytest.raises(ValueError, match="limits"):
        Body.model_validate(body(limits=limits))
