"""The page of one evaluation."""

from __future__ import annotations

from html import unescape

from signoff.evaluations.results import evaluation
from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site
from tests.web.pages.kit_evaluations import CASES, asked, evaluated, running, with_dataset


def test_a_critical_example_that_was_lost_stands_first_with_both_answers(site: Site):
    with site.store.write() as session:
        found = evaluated(session, site.seeded.owner)
    html = unescape(site.browser().get(f"{site.base}/evaluations/{found.evaluation_id}").text)
    for words in (
        "Not promotable", "It fails or does worse than what serves on 1 of 2 critical examples.",
        "5 examples are few", "0.700", "beside 0.900", "Critical, and lost", "It reads like an advertisement.",
        'Expected "posted", got "ignored".', "Right action",
    ):  # fmt: skip
        assert words in html
    assert html.index(found.example_ids[0]) < html.index(found.example_ids[1])
    # It stands once, not again among the others.
    assert html.count(f'id="{found.example_ids[0]}"') == 1
    assert "/runs/run_" in html
    assert "Release it" not in html


def test_examples_are_filtered_by_how_the_candidate_did(site: Site):
    with site.store.write() as session:
        found = evaluated(session, site.seeded.owner)
    mei, at = site.browser(), f"{site.base}/evaluations/{found.evaluation_id}"

    def shown(view: str) -> list[int]:
        html = mei.get(f"{at}?view={view}").text
        return [number for number, one in enumerate(found.example_ids) if f'id="{one}"' in html]

    assert (shown("worse"), shown("better"), shown("same"), shown("critical")) == ([0, 4], [2], [1, 3], [0, 1])


def test_a_promotable_one_leads_to_the_release(site: Site):
    with site.store.write() as session:
        good = [(*case[:3], 1.0, case[4]) for case in CASES]
        found = evaluated(session, site.seeded.owner, cases=good)
        facts = evaluation(session, site.seeded.owner, found.evaluation_id).facts
    html = unescape(site.browser().get(f"{site.base}/evaluations/{found.evaluation_id}").text)
    assert "Promotable" in html
    assert facts.is_of_what_serves or "Release it" in html


def test_while_it_is_under_way_the_page_looks_again_and_it_can_be_called_off(site: Site):
    with site.store.write() as session:
        dataset_id = with_dataset(session, site.seeded.owner)
        made = asked(session, site.seeded.owner, dataset_id)
        running(session, made)
    ines, at = site.browser("ines"), f"{site.base}/evaluations/{made}"
    html = unescape(ines.get(at).text)
    assert 'hx-trigger="every 3s"' in html
    assert "It is under way" in html
    fragment = ines.get(at, headers=HTMX).text
    assert "<html" not in fragment
    assert "It is under way" in fragment
    assert ines.post(f"{at}/cancel").status_code == 303
    html = unescape(ines.get(at).text)
    assert "It was called off, and says nothing of the revision" in html
    assert "every 3s" not in html
    refused = ines.post(f"{at}/cancel")
    assert refused.status_code == 409
    assert "This evaluation has ended already: it is cancelled." in unescape(refused.text)


def test_whoever_may_not_read_runs_sees_the_verdict_and_no_answer(site: Site):
    with site.store.write() as session:
        found = evaluated(session, site.seeded.owner)
    at = f"{site.base}/evaluations/{found.evaluation_id}"
    html = unescape(site.browser("tomasz").get(at).text)
    assert "Not promotable" in html
    assert "You may not see the examples" in html
    assert "advertisement" not in html
    assert site.browser("rosa").post(f"{at}/cancel").status_code == 403
    assert site.browser().get(f"{site.base}/evaluations/evl_none").status_code == 404
    assert site.visitor().get(at).status_code == 303


def test_a_release_says_what_its_revision_came_to(site: Site):
    mei = site.browser()
    at = f"{site.base}/agents/supplier-mail/revisions/1/release?environment=production"
    html = unescape(mei.get(at).text)
    assert "Not evaluated" in html
    assert "/agents/supplier-mail/evaluate?revision=1&environment=production" in html
    with site.store.write() as session:
        found = evaluated(session, site.seeded.owner)
    html = unescape(mei.get(at).text)
    assert f'/evaluations/{found.evaluation_id}"' in html
    assert "It fails or does worse than what serves on 1 of 2 critical examples." in html
