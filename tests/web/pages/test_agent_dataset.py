"""The page of a dataset."""

from __future__ import annotations

import json
from html import unescape

from signoff.evaluations.queries import dataset, examples_page
from signoff.evaluations.views import ExampleFacts
from tests.web.pages.conftest import Site
from tests.web.pages.kit_evaluations import evaluated, from_run, with_dataset


def made(site: Site) -> tuple[str, str]:
    """Return a dataset's id, and the address of its page."""
    with site.store.write() as session:
        dataset_id = with_dataset(session, site.seeded.owner)
    return dataset_id, f"{site.base}/agents/supplier-mail/datasets/{dataset_id}"


def examples(site: Site, dataset_id: str) -> list[ExampleFacts]:
    with site.store.read() as session:
        return list(examples_page(session, site.seeded.owner, dataset_id, size=200).rows)


def test_examples_are_listed_with_what_is_critical_and_kept_aside(site: Site):
    _, at = made(site)
    mei = site.browser()
    html = unescape(mei.get(at).text)
    assert html.count("data-row") == 5
    for words in ("m-17", "Critical", "Holdout", "spring", '"action": "posted"', "nothing below what serves"):
        assert words in html
    only = unescape(mei.get(f"{at}?view=critical").text)
    assert only.count("data-row") == 2
    assert unescape(mei.get(f"{at}?view=holdout").text).count("data-row") == 1


def test_one_is_added_by_hand_as_text_or_as_json(site: Site):
    dataset_id, at = made(site)
    ines = site.browser("ines")
    fields = {"input": '{"message_id": "m-99"}', "expected": "Posted.", "is_critical": "yes", "note": "from the audit"}
    assert ines.post(f"{at}/examples", data=fields).status_code == 303
    new = examples(site, dataset_id)[-1]
    assert (new.input, new.expected, new.is_critical, new.note) == (
        {"message_id": "m-99"}, "Posted.", True, "from the audit",
    )  # fmt: skip
    refused = ines.post(f"{at}/examples", data={"input": '{"message_id": "m-99"', "expected": "kept"})
    assert refused.status_code == 422
    html = unescape(refused.text)
    assert "This is not JSON. Line 1, column" in html
    assert "kept</textarea>" in html
    assert ines.post(f"{at}/examples", data={"input": " "}).status_code == 422
    assert len(examples(site, dataset_id)) == 6


def test_many_are_added_or_none_and_each_bad_line_is_told(site: Site):
    dataset_id, at = made(site)
    ines = site.browser("ines")
    bad = '{"input": 1}\n{"input": 2\n[]\n{"input": 4, "split": "test"}'
    refused = ines.post(f"{at}/lines", data={"lines": bad})
    html = unescape(refused.text)
    assert refused.status_code == 422
    for words in ("Line 2: The body is not JSON", "Line 3: it is no object", "Line 4: split is dev or holdout"):
        assert words in html
    assert "3 lines are no examples. Nothing was added." in html
    assert "Line 1:" not in html
    assert '{"input": 4, "split": "test"}' in html
    assert len(examples(site, dataset_id)) == 5
    good = '{"input": "a"}\r\n{"input": {"b": 1}, "expected": {"c": 2}, "critical": true, "split": "holdout"}\r\n'
    assert ines.post(f"{at}/lines", data={"lines": good}).status_code == 303
    found = examples(site, dataset_id)
    assert [(one.input, one.is_critical, one.split) for one in found[-2:]] == [
        ("a", False, "dev"), ({"b": 1}, True, "holdout"),
    ]  # fmt: skip


def test_what_is_downloaded_can_be_added_again(site: Site):
    dataset_id, at = made(site)
    mei = site.browser()
    file = mei.get(f"{at}/export")
    assert file.headers["content-disposition"] == 'attachment; filename="bills-that-were-hard.jsonl"'
    assert len([json.loads(line) for line in file.text.splitlines()]) == 5
    assert mei.post(f"{at}/lines", data={"lines": file.text}).status_code == 303
    found = examples(site, dataset_id)
    assert [(one.input, one.expected, one.is_critical, one.split, one.tags) for one in found[:5]] == [
        (one.input, one.expected, one.is_critical, one.split, one.tags) for one in found[5:]
    ]


def test_an_example_is_changed_by_another_in_its_place_and_taken_out(site: Site):
    dataset_id, at = made(site)
    ines, first = site.browser("ines"), examples(site, dataset_id)[0]
    html = unescape(ines.get(f"{at}/examples/{first.id}").text)
    assert '"message_id": "m-17"' in html
    fields = {"input": json.dumps(first.input), "expected": '{"action": "flagged"}', "is_critical": "yes"}
    answer = ines.post(f"{at}/examples/{first.id}", data=fields)
    assert answer.status_code == 303
    html = unescape(ines.get(answer.headers["location"]).text)
    assert "As it was before" in html
    old = unescape(ines.get(f"{at}/examples/{first.id}").text)
    assert "This example was taken out" in old
    new = answer.headers["location"].rsplit("/", 1)[1]
    assert ines.post(f"{at}/examples/{new}/remove").status_code == 303
    assert [one.id for one in examples(site, dataset_id)].count(new) == 0
    assert ines.post(f"{at}/examples/{new}/remove").status_code == 404


def test_settings_are_changed_and_a_dataset_is_archived(site: Site):
    dataset_id, at = made(site)
    ines = site.browser("ines")
    fields = {"name": "Spring", "description": "", "tolerance": "0.02"}
    assert ines.post(f"{at}/settings", data=fields).status_code == 303
    with site.store.read() as session:
        found = dataset(session, site.seeded.owner, dataset_id)
    assert (found.name, found.is_golden, found.tolerance) == ("Spring", False, 0.02)
    for tolerance in ("much", "2", "true"):
        refused = ines.post(f"{at}/settings", data={**fields, "tolerance": tolerance})
        assert refused.status_code == 422
        # The dialog comes back open, with what was typed.
        assert f'value="{tolerance}"' in refused.text
    assert ines.post(f"{at}/archive").status_code == 303
    html = unescape(ines.get(at).text)
    assert "This dataset is archived" in html
    assert "Add it" not in html


def test_whoever_may_not_read_runs_sees_no_example(site: Site):
    dataset_id, at = made(site)
    html = unescape(site.browser("tomasz").get(at).text)
    assert "You may not see the examples" in html
    assert "m-17" not in html
    assert site.browser("tomasz").get(f"{at}/export").status_code == 403
    first = examples(site, dataset_id)[0]
    assert site.browser("tomasz").get(f"{at}/examples/{first.id}").status_code == 403
    rosa = site.browser("rosa")
    assert "m-17" in rosa.get(at).text
    assert rosa.post(f"{at}/examples", data={"input": "x"}).status_code == 403


def test_of_another_agent_there_is_no_such_dataset(site: Site):
    dataset_id, at = made(site)
    other = at.replace("supplier-mail", next(one for one in site.seeded.agents if one != "supplier-mail"))
    assert site.browser().get(other).status_code == 404
    assert site.browser().get(f"{at}x").status_code == 404
    assert dataset_id in at


def test_an_example_from_a_run_leads_to_it(site: Site):
    with site.store.write() as session:
        found = evaluated(session, site.seeded.owner)
        example = from_run(session, site.seeded.owner, found.dataset_id)
    html = site.browser().get(f"{site.base}/agents/supplier-mail/datasets/{found.dataset_id}/examples/{example}").text
    assert "The run" in html
    assert "/runs/run_" in html


def test_it_is_evaluated_by_itself_by_the_clock_and_for_each_revision(site: Site):
    dataset_id, at = made(site)
    ines = site.browser("ines")
    fields = {
        "every": "week", "at_hour": "4", "is_of_each_revision": "yes", "environment": "production", "cap_usd": "0.50",
    }  # fmt: skip
    assert ines.post(f"{at}/schedule", data=fields).status_code == 303
    with site.store.read() as session:
        kept = dataset(session, site.seeded.owner, dataset_id).schedule
    assert kept is not None
    assert (kept.every, kept.at_hour, kept.is_of_each_revision, str(kept.cap_usd.normalize())) == (
        "week",
        4,
        True,
        "0.5",
    )
    html = unescape(ines.get(at).text)
    assert "every week at 04:00, each new revision" in html
    assert "In the name of Ines" in html
    for wrong in ({"cap_usd": "a lot"}, {"at_hour": "24"}, {"at_hour": "-1"}):
        assert ines.post(f"{at}/schedule", data={**fields, **wrong}).status_code == 422
    assert ines.post(f"{at}/schedule", data={**fields, "every": "", "is_of_each_revision": ""}).status_code == 303
    with site.store.read() as session:
        assert dataset(session, site.seeded.owner, dataset_id).schedule is None
    assert site.browser("rosa").post(f"{at}/schedule", data=fields).status_code == 403
