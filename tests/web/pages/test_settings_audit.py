"""The audit: found, checked, taken away."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from signoff.connections.audit_export import check_export
from signoff.connections.signing import public_keys
from signoff.kit import clock
from signoff.people.actions import create_key
from signoff.record import audit
from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions


def what(html: str) -> list[str]:
    return re.findall(r'<span class="strong">([^<]*)</span>', html.split('id="results"')[-1])


def test_every_action_is_there_newest_first(site: Site):
    html = site.browser().get(f"{site.base}/settings/audit").text
    shown = what(html)
    assert len(shown) >= 20
    assert shown[0] == "Agent created"
    assert "Mei Tanaka" in html
    assert "Connection discovered" in shown


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("area=connection", {"Connection created", "Connection discovered"}),
        ("q=INES&area=agent", {"Agent created", "Agent draft saved", "Agent owner asked"}),
        ("q=workspace.founded", {"Workspace founded"}),
        ("q=100%25", set()),
        ("actor=key", set()),
        ("actor=nonsense&span=nonsense&area=nonsense&q=founded", {"Workspace founded"}),
        ("span=day&q=founded", {"Workspace founded"}),
    ],
)
def test_it_is_searched(site: Site, query: str, words: set[str]):
    html = site.browser().get(f"{site.base}/settings/audit?{query}").text
    assert set(what(html)) == words
    assert ("Nothing was done that fits" in html) == (not words)


def test_an_id_finds_everything_done_to_it(site: Site):
    erp = site.seeded.connections["production/erp"]
    answer = site.browser().get(f"{site.base}/settings/audit?q={erp}&area=&actor=", headers=HTMX)
    assert set(re.findall(r'<span class="strong">([^<]*)</span>', answer.text)) == {
        "Connection created",
        "Connection discovered",
    }
    assert "<html" not in answer.text
    assert answer.headers["hx-replace-url"] == f"{site.base}/settings/audit?q={erp}"


def test_a_span_leaves_out_what_is_older(site: Site, monkeypatch: pytest.MonkeyPatch):
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() - timedelta(days=3))
    with site.store.write() as session:
        create_key(session, site.seeded.owner, name="Made three days ago")
    monkeypatch.undo()
    browser = site.browser()
    assert "Key created" not in what(browser.get(f"{site.base}/settings/audit?span=day").text)
    assert "Key created" in what(browser.get(f"{site.base}/settings/audit?span=week").text)


def test_pages_go_both_ways_and_keep_the_search(site: Site):
    with site.store.write() as session:
        for number in range(40):
            create_key(session, site.seeded.owner, name=f"Key {number}")
    browser = site.browser()
    first = browser.get(f"{site.base}/settings/audit?area=key").text
    assert what(first) == ["Key created"] * 30
    older = re.search(r'href="([^"]*cursor=[^"]*)" rel="next"', first)
    assert older
    second = browser.get(older[1].replace("&amp;", "&")).text
    assert what(second) == ["Key created"] * 10
    newer = re.search(r'href="([^"]*cursor=[^"]*)" rel="prev"', second)
    assert newer
    assert what(browser.get(newer[1].replace("&amp;", "&")).text) == ["Key created"] * 30


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_chain_is_checked(site: Site, headers: dict[str, str]):
    answer = site.browser().post(f"{site.base}/settings/audit/verify", headers=headers)
    with site.store.read() as session:
        rows = len(audit_actions(session, site.seeded))
    assert "The chain holds" in answer.text
    assert f"{rows} rows checked" in answer.text
    assert ("<html" in answer.text) == (not headers)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_row_changed_past_the_product_is_named(site: Site):
    with site.store.write() as session:
        for (name,) in session.execute(text("select name from sqlite_master where type = 'trigger'")).all():
            session.execute(text(f'drop trigger "{name}"'))
        session.execute(text("update audit set actor_name = 'Nobody' where seq = 5"))
    answer = site.browser().post(f"{site.base}/settings/audit/verify", headers=HTMX)
    assert "The chain breaks at row 5" in answer.text
    assert "its content was changed" in answer.text


def test_all_of_it_is_taken_away(site: Site):
    answer = site.browser().get(f"{site.base}/settings/audit/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.jsonl"'
    *rows, last = [json.loads(line) for line in answer.text.splitlines()]
    with site.store.read() as session:
        assert [row["action"] for row in rows] == audit_actions(session, site.seeded)
        assert len(rows) == audit.verify(session, site.seeded.workspace_id).rows
        keys = [key.public_key for key in public_keys(session)]
    assert (rows[-1]["action"], rows[-1]["actor_name"]) == ("audit.exported", "Mei Tanaka")
    assert last["claim"]["rows"] == len(rows)
    assert check_export(iter(answer.content.splitlines(keepends=True)), keys).is_good
    assert all(later["previous_hash"] == earlier["hash"] for earlier, later in pairwise(rows))


def test_who_may_not(site: Site):
    for who in ("ines", "tomasz", "rosa"):
        browser = site.browser(who)
        assert browser.get(f"{site.base}/settings/audit").status_code == 403
        assert browser.get(f"{site.base}/settings/audit/export").status_code == 403
        assert browser.post(f"{site.base}/settings/audit/verify").status_code == 403
