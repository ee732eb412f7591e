"""Asking for an evaluation."""

from __future__ import annotations

from html import unescape

from signoff.evaluations.results import evaluation
from tests.web.pages.conftest import Site
from tests.web.pages.kit_evaluations import with_dataset

AT = "/agents/supplier-mail/evaluate"


def test_without_examples_there_is_nothing_to_try_it_on(site: Site):
    html = unescape(site.browser().get(f"{site.base}{AT}").text)
    assert "There is nothing to try it on yet" in html


def test_what_is_chosen_is_asked_for_and_its_page_is_next(site: Site):
    with site.store.write() as session:
        dataset_id = with_dataset(session, site.seeded.owner)
    ines = site.browser("ines")
    html = unescape(ines.get(f"{site.base}{AT}?dataset={dataset_id}&environment=production").text)
    assert "Bills that were hard (5 examples, golden)" in html
    assert "What serves there, measured again" in html
    fields = {"dataset": dataset_id, "revision": "1", "environment": "production", "cap_usd": "0.50"}
    answer = ines.post(f"{site.base}{AT}", data=fields)
    assert answer.status_code == 303
    made = answer.headers["location"].rsplit("/", 1)[1]
    with site.store.read() as session:
        facts = evaluation(session, site.seeded.owner, made).facts
    assert (facts.revision_number, facts.environment, str(facts.cap_usd.normalize())) == (1, "production", "0.5")
    again = ines.post(f"{site.base}{AT}", data={**fields, "revision": "served"})
    with site.store.read() as session:
        facts = evaluation(session, site.seeded.owner, again.headers["location"].rsplit("/", 1)[1]).facts
    assert facts.is_of_what_serves


def test_a_draft_is_tried_as_it_is_at_this_moment(site: Site):
    with site.store.write() as session:
        dataset_id = with_dataset(session, site.seeded.owner)
    ines = site.browser("ines")
    assert "The draft, as it is at this moment" in ines.get(f"{site.base}{AT}").text
    fields = {"dataset": dataset_id, "revision": "draft", "environment": "production", "cap_usd": "1"}
    answer = ines.post(f"{site.base}{AT}", data=fields)
    assert answer.status_code == 303
    html = unescape(ines.get(answer.headers["location"]).text)
    assert "draft, version" in html


def test_what_is_wrong_is_told_and_what_was_typed_is_kept(site: Site):
    with site.store.write() as session:
        dataset_id = with_dataset(session, site.seeded.owner)
    ines = site.browser("ines")
    fields = {"dataset": dataset_id, "revision": "1", "environment": "production"}
    for cap in ("a lot", "0", "-1", "NaN"):
        refused = ines.post(f"{site.base}{AT}", data={**fields, "cap_usd": cap})
        assert refused.status_code == 422
        assert f'value="{cap}"' in refused.text
    assert ines.post(f"{site.base}{AT}", data={**fields, "dataset": "dst_none"}).status_code == 404


def test_who_only_looks_may_not_evaluate(site: Site):
    with site.store.write() as session:
        dataset_id = with_dataset(session, site.seeded.owner)
    rosa = site.browser("rosa")
    assert "You may look, not evaluate" in rosa.get(f"{site.base}{AT}").text
    fields = {"dataset": dataset_id, "revision": "1", "environment": "production", "cap_usd": "1"}
    assert rosa.post(f"{site.base}{AT}", data=fields).status_code == 403
