"""The acts whose outcome nobody knows."""

from __future__ import annotations

import pytest

from signoff.tables.runs import Effect, Run
from tests.web import seed as seeding
from tests.web.kit_pages import HTMX
from tests.web.pages import kit_runs
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions


def unknown(site: Site, title: str = "Invoice RE-2026-119", **more: object) -> tuple[str, str]:
    with site.store.write() as session:
        return kit_runs.unknown_effect(session, site.seeded, title, **more)


def effect_of(site: Site, key: str) -> Effect:
    with site.store.read() as session:
        return session.get_one(Effect, key)


def test_with_nothing_to_settle_it_explains(empty_site: Site):
    browser = empty_site.browser()
    assert "Nothing to settle" in browser.get("/w/bare/reconciliation").text
    assert "Nothing was settled yet" in browser.get("/w/bare/reconciliation?tab=settled").text


def test_the_list_says_what_where_when_and_why(site: Site):
    _, key = unknown(site)
    html = site.browser().get(f"{site.base}/reconciliation").text
    for word in (
        f"/reconciliation/{key}",
        "erp.post_bill",
        "ERP",
        "Production",
        "Invoice RE-2026-119",
        "connection closed",
    ):
        assert word in html


def test_thirty_and_one_are_two_pages(site: Site):
    for number in range(31):
        unknown(site, f"Bill {number}", minutes_ago=number + 1)
    html = site.browser().get(f"{site.base}/reconciliation").text
    assert html.count("<tr id=") == 30
    assert 'rel="next"' in html


def test_one_act_says_what_to_look_for(site: Site):
    _, key = unknown(site)
    html = site.browser().get(f"{site.base}/reconciliation/{key}").text
    for word in (
        "Did erp.post_bill happen?",
        "What to look for",
        "<dt>order</dt><dd>PO-88120</dd>",
        "It did not happen. Do it now",
    ):
        assert word in html
    assert "<dt>token</dt>" not in html  # A secret is nothing to search for.
    assert "The connection closed before it answered." in html


@pytest.mark.parametrize("outcome", ["happened", "did_not_happen", "did_not_happen_retry"])
def test_each_way_to_settle_lets_the_run_go_on(site: Site, outcome: str):
    run_id, key = unknown(site)
    data = {"outcome": outcome, "reason": "I looked.", "result": '{"bill": "B-7"}'}
    answer = site.browser().post(f"{site.base}/reconciliation/{key}", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{site.base}/reconciliation")
    effect = effect_of(site, key)
    assert (effect.state, effect.settlement, effect.reason, effect.settled_by_name) == (
        "settled",
        outcome,
        "I looked.",
        "Mei Tanaka",
    )
    assert effect.result == ({"bill": "B-7"} if outcome == "happened" else None)
    with site.store.read() as session:
        run = session.get_one(Run, run_id)
        assert (run.waiting_for, run.leg) == (None, 2)
        assert "effect.settle" in audit_actions(session, site.seeded)
    settled = site.browser().get(f"{site.base}/reconciliation?tab=settled").text
    assert "Mei Tanaka" in settled
    assert "I looked." in settled


def test_a_reference_that_is_no_json_is_a_text(site: Site):
    _, key = unknown(site)
    site.browser().post(
        f"{site.base}/reconciliation/{key}", data={"outcome": "happened", "reason": "x", "result": "bill B-7"}
    )
    assert effect_of(site, key).result == "bill B-7"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"outcome": "happened", "reason": " "}, "Say how you know"),
        ({"reason": "I looked."}, "Choose what you found"),
        ({"outcome": "odd", "reason": "I looked."}, "The outcome must be one of"),
        ({"outcome": "happened", "reason": "x", "result": "y" * 20_001}, "must not be longer"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_lost(site: Site, data: dict[str, str], words: str):
    _, key = unknown(site)
    for headers in ({}, HTMX):
        answer = site.browser().post(f"{site.base}/reconciliation/{key}", data=data, headers=headers)
        assert answer.status_code == 422
        assert words in answer.text
        assert ("<html" in answer.text) == (not headers)
        if data["reason"].strip():
            assert data["reason"] in answer.text
    assert effect_of(site, key).state == "unknown"


def test_the_second_person_learns_who_was_first(site: Site):
    with site.store.write() as session:
        seeding.person(session, site.seeded, "anna", "Anna Lund", "manager")
    _, key = unknown(site)
    data = {"outcome": "did_not_happen", "reason": "Not there."}
    site.browser().post(f"{site.base}/reconciliation/{key}", data=data)
    second = site.browser("anna").post(f"{site.base}/reconciliation/{key}", data={**data, "outcome": "happened"})
    assert second.status_code == 409
    for word in ("Mei Tanaka settled this: it did not happen.", "Not there.", "<time datetime="):
        assert word in second.text
    assert effect_of(site, key).settlement == "did_not_happen"
    by_htmx = site.browser("anna").post(f"{site.base}/reconciliation/{key}", data=data, headers=HTMX)
    assert by_htmx.status_code == 422  # So that the note takes the form's place.
    assert "Mei Tanaka settled this" in by_htmx.text


def test_who_may_settle(site: Site):
    _, key = unknown(site)
    path, data = f"{site.base}/reconciliation/{key}", {"outcome": "happened", "reason": "x"}
    assert site.browser("rosa").post(path, data=data).status_code == 403
    assert "Somebody else has to settle this" in site.browser("rosa").get(path).text
    assert site.browser("tomasz").get(f"{site.base}/reconciliation").status_code == 403
    assert site.browser("ines").post(path, data=data).status_code == 303  # The agent is hers.


def test_another_workspace_knows_nothing_of_it(site: Site):
    _, key = unknown(site)
    with site.store.write() as session:
        other = seeding.workspace(session, "elsewhere", "Elsewhere")
    stranger = Site(site.app, site.store, other)
    assert stranger.browser().get(f"/w/elsewhere/reconciliation/{key}").status_code == 404
    assert (
        stranger.browser()
        .post(f"/w/elsewhere/reconciliation/{key}", data={"outcome": "happened", "reason": "x"})
        .status_code
        == 404
    )
    assert "Nothing to settle" in stranger.browser().get("/w/elsewhere/reconciliation").text


def test_untrusted_text_is_only_text(site: Site):
    _, key = unknown(site, "<script>alert(1)</script>")
    with site.store.write() as session:
        session.get_one(Effect, key).args = {"<b>x</b>": "<script>alert(2)</script>"}
    for path in ("", f"/{key}"):
        html = site.browser().get(f"{site.base}/reconciliation{path}").text
        assert "<script>alert" not in html
        assert "<b>x" not in html
