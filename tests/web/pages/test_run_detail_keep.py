"""A run becomes an example of a dataset."""

from __future__ import annotations

from html import unescape

from signoff.evaluations.queries import examples_page
from tests.web.pages.conftest import Site
from tests.web.pages.kit_evaluations import a_run, with_dataset


def test_a_run_is_kept_as_an_example_in_one_step_and_twice_is_once(site: Site):
    with site.store.write() as session:
        dataset_id = with_dataset(session, site.seeded.owner)
        run = a_run(session)
        at, wanted = f"{site.base}/runs/{run.id}", (run.input, run.output)
    ines = site.browser("ines")
    html = unescape(ines.get(at).text)
    assert "Add to a dataset" in html
    assert "what it answered is what is expected" in html
    fields = {"dataset": dataset_id, "is_critical": "yes", "note": "from the field"}
    for _ in range(2):
        assert ines.post(f"{at}/keep", data=fields).status_code == 303
    with site.store.read() as session:
        rows = examples_page(session, site.seeded.owner, dataset_id).rows
    assert len(rows) == 6
    new = rows[-1]
    assert (new.input, new.expected) == wanted
    assert (new.is_critical, new.note) == (True, "from the field")


def test_without_a_dataset_the_run_leads_to_making_one(site: Site):
    with site.store.read() as session:
        at = f"{site.base}/runs/{a_run(session, 'failed').id}"
    html = unescape(site.browser("ines").get(at).text)
    assert "This agent has no dataset yet" in html
    assert "Add to a dataset" not in site.browser("rosa").get(at).text


def test_who_may_not_edit_datasets_keeps_nothing(site: Site):
    with site.store.write() as session:
        dataset_id = with_dataset(session, site.seeded.owner)
        at = f"{site.base}/runs/{a_run(session).id}"
    assert site.browser("rosa").post(f"{at}/keep", data={"dataset": dataset_id}).status_code == 403
    assert site.browser("ines").post(f"{at}/keep", data={"dataset": "dst_none"}).status_code == 404
