"""An agent's datasets and evaluations."""

from __future__ import annotations

from html import unescape

from tests.web.pages.conftest import Site
from tests.web.pages.kit_evaluations import asked, evaluated, with_dataset

AT = "/agents/supplier-mail/evaluations"


def test_without_a_dataset_the_page_says_what_one_is_for(site: Site):
    html = unescape(site.browser().get(f"{site.base}{AT}").text)
    assert "Nothing is asked of this agent yet" in html
    assert "Make the dataset" in html
    assert "The whole output has to be what the example expects" in html
    # Nothing to try it on: no button that leads nowhere.
    assert "Evaluate…" not in html


def test_a_dataset_is_made_and_its_page_is_next(site: Site):
    ines = site.browser("ines")
    answer = ines.post(f"{site.base}/agents/supplier-mail/datasets", data={"name": "Hard bills", "is_golden": "yes"})
    assert answer.status_code == 303
    html = unescape(ines.get(answer.headers["location"]).text)
    assert "No example yet" in html
    assert "Golden" in html
    refused = ines.post(f"{site.base}/agents/supplier-mail/datasets", data={"name": "Hard bills", "description": "x"})
    assert refused.status_code == 409
    assert "is called hard-bills already" in unescape(refused.text)


def test_lists_show_size_last_score_and_what_it_came_to(site: Site):
    with site.store.write() as session:
        made = evaluated(session, site.seeded.owner)
        asked(session, site.seeded.owner, made.dataset_id)
    html = unescape(site.browser().get(f"{site.base}{AT}").text)
    for words in ("Bills that were hard", "2 critical", "0.700", "0.900 serves", "Not promotable", "Queued", "60 %"):
        assert words in html
    assert f"/evaluations/{made.evaluation_id}" in html
    # Something is under way: the lists look again by themselves.
    assert 'hx-trigger="every 5s"' in html


def test_who_only_looks_sees_no_button_and_a_stranger_sees_nothing(site: Site):
    with site.store.write() as session:
        with_dataset(session, site.seeded.owner)
    html = unescape(site.browser("rosa").get(f"{site.base}{AT}").text)
    assert "Bills that were hard" in html
    assert "Make the dataset" not in html
    assert "Evaluate…" not in html
    assert (
        site.browser("rosa").post(f"{site.base}/agents/supplier-mail/datasets", data={"name": "x"}).status_code == 403
    )
    assert site.visitor().get(f"{site.base}{AT}").status_code == 303
    assert site.browser().get(f"{site.base}/agents/nobody/evaluations").status_code == 404
