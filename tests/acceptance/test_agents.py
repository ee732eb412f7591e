"""Agents: drafts, revisions, differences, what serves."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.product import Product
from tests.acceptance.scripts import by_instructions, instructions
from tests.fake_provider import FakeProvider, text

SOP = "## GOAL\nFile the bill.\n\n## STEPS\n1. Look it up.\n2. Post it.\n\n## NOTES\nNever twice. Größe: 10 €."


def live(product: Product, slug: str, environment: str = "production") -> list[int]:
    """The numbers of the revisions that serve `slug`."""
    found = product.get(f"agents/{slug}")["live"]
    return [one["revision_number"] for one in found if one["environment"] == environment]


def raw_revision(product: Product, slug: str, number: int) -> bytes:
    return product.call("GET", f"agents/{slug}/revisions/{number}").content


def test_d1_create_edit_and_read_back_an_sop(product: Product, provider: FakeProvider):
    slug = product.agent("d1", sop=SOP)
    assert product.get(f"agents/{slug}/draft")["body"]["sop"] == SOP
    edited = SOP.replace("Post it.", "Post it in euros.")
    product.revise(slug, sop=edited)
    assert product.get(f"agents/{slug}/draft")["body"]["sop"] == edited
    product.run(slug, revisionId=2)
    assert edited in instructions(provider.requests[-1].body)


def test_d2_two_edits_make_two_revisions_and_the_first_stays_byte_for_byte(product: Product):
    slug = product.agent("d2", sop="One.")
    first = raw_revision(product, slug, 1)
    assert [product.revise(slug, sop="Two."), product.revise(slug, sop="Three.")] == [2, 3]
    assert raw_revision(product, slug, 1) == first
    assert [product.get(f"agents/{slug}/revisions/{number}")["body"]["sop"] for number in (1, 2, 3)] == [
        "One.", "Two.", "Three.",
    ]  # fmt: skip


def test_d3_a_revision_has_a_name_and_a_note_and_81_characters_are_refused(product: Product):
    slug = product.agent("d3")
    refused = product.call("POST", f"agents/{slug}/revisions", json={"reason": "why", "name": "x" * 81})
    assert refused.status_code == 422, refused.text
    assert "80" in refused.json()["detail"]
    draft = product.get(f"agents/{slug}/draft")
    product.call("PUT", f"agents/{slug}/draft", json={"body": draft["body"] | {"sop": "B"}, "version": 1})
    made = product.post(f"agents/{slug}/revisions", {"reason": "The tax changed.", "name": "n" * 80})
    kept = product.get(f"agents/{slug}/revisions/2")["facts"]
    assert (made["number"], kept["name"], kept["reason"]) == (2, "n" * 80, "The tax changed.")


def promote_at_once(product: Product, slug: str, revisions: list[int]) -> list[int]:
    """Promote from as many callers at the same moment; return the statuses."""
    together = threading.Barrier(len(revisions))

    def promote(number: int) -> int:
        together.wait()
        return product.make_live(slug, number).status_code

    with ThreadPoolExecutor(len(revisions)) as callers:
        return sorted(callers.map(promote, revisions))


def check_one_live(product: Product) -> None:
    slug = product.agent("d4", sop="One.")
    product.revise(slug, sop="Two.")
    assert promote_at_once(product, slug, [2] * 6) == [200] + [409] * 5
    assert live(product, slug) == [2]
    for number in range(3, 7):
        product.revise(slug, sop=f"Text {number}.")
    statuses = promote_at_once(product, slug, [3, 4, 5, 6])
    history = product.get(f"agents/{slug}/deployments")["items"]
    assert set(statuses) <= {200, 409}
    assert len(history) == 1 + statuses.count(200)
    # Each switch was made by somebody who saw what it replaced, and the last one serves.
    assert live(product, slug) == [history[0]["revision_number"]]


def test_d4_of_callers_that_promote_at_once_one_wins(product: Product):
    check_one_live(product)


def test_d5_a_newer_or_older_revision_can_be_promoted_and_the_live_one_not(product: Product, provider: FakeProvider):
    slug = product.agent("d5", sop="old words")
    product.revise(slug, sop="new words")
    provider.will(slug, by_instructions(lambda sop: text("new" if "new words" in sop else "old")))
    for number, words in ((2, "new"), (1, "old")):
        assert product.make_live(slug, number).status_code == 200
        again = product.make_live(slug, number)
        assert (again.status_code, again.json()["code"]) == (409, "already_live")
        found = product.run(slug)
        assert (found["run"]["revision_number"], found["output"].strip()) == (number, words)


def test_f6_a_stored_revision_cannot_be_written(product: Product):
    slug = product.agent("f6", sop="Text 0.")
    before = raw_revision(product, slug, 1)
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        assert product.call(method, f"agents/{slug}/revisions/1", json={"body": {}}).status_code == 405
    for number in range(1, 101):
        version = product.get(f"agents/{slug}/draft")["version"]
        draft = {"body": product.body(slug, sop=f"Text {number}."), "version": version}
        assert product.call("PUT", f"agents/{slug}/draft", json=draft).status_code == 200
        if number % 20 == 0:
            product.post(f"agents/{slug}/revisions", {"reason": "more"})
    assert raw_revision(product, slug, 1) == before
    assert product.get(f"agents/{slug}/revisions")["items"][0]["number"] == 6


def test_f7_the_first_revision_serves_without_a_deployment(product: Product):
    slug = product.agent("f7")
    assert product.run(slug)["run"]["state"] == "completed"
    assert product.get(f"agents/{slug}/deployments")["items"] == []


def test_f8_of_two_saves_of_one_version_the_second_is_refused_with_both_texts(product: Product):
    slug = product.agent("f8")
    mine, yours = product.body(slug, sop="mine"), product.body(slug, sop="yours")
    match = {"If-Match": '"1"'}
    assert product.call("PUT", f"agents/{slug}/draft", json={"body": mine}, headers=match).status_code == 200
    late = product.call("PUT", f"agents/{slug}/draft", json={"body": yours}, headers=match)
    assert late.status_code == 409
    assert product.get(f"agents/{slug}/draft")["body"]["sop"] == "mine"
    assert "mine" in late.text
    assert "yours" in late.text


def test_f12_the_diff_names_what_changed_and_nothing_else(product: Product):
    slug = product.agent("f12", sop="Read the letter.\nThen stop.", tools=("look",))
    model = {"name": "fake:another"}
    product.revise(slug, sop="Read the mail.\nThen stop.", tools=("look", "post"), model=model)
    found = product.get(f"agents/{slug}/diff", old="1", new="2")["diff"]
    fields = {field["path"]: (field["kind"], field["old"], field["new"]) for field in found["fields"]}
    assert set(fields) == {"model.name", "tools.erp.post"}
    assert fields["model.name"] == ("changed", f"fake:{slug}", "fake:another")
    assert fields["tools.erp.post"][0] == "added"
    changed = [line for line in found["sop_lines"] if line["kind"] != "same"]
    told = str(changed)
    assert "letter" in told
    assert "mail" in told
    assert "stop" not in told


@pytest.mark.parametrize("is_saved", [False, True])
def test_f59_lint_tells_all_findings_at_once(product: Product, is_saved: bool):
    slug = product.agent("f59")
    body = product.body(slug, sop="Use {{secret.NOPE}}.", tools=("no_such_tool",), model={"name": "nobody:none"})
    if is_saved:
        product.call("PUT", f"agents/{slug}/draft", json={"body": body, "version": 1})
    found = product.post(f"agents/{slug}/draft:lint", {} if is_saved else {"body": body})
    codes = {finding["code"] for finding in found["findings"] if finding["severity"] == "error"}
    assert {"secret_not_listed", "unknown_tool", "unknown_model"} <= codes
    assert not found["can_freeze"]
    if is_saved:
        frozen = product.call("POST", f"agents/{slug}/revisions", json={"reason": "try"})
        assert frozen.status_code in (409, 422)
        assert len(product.get(f"agents/{slug}/revisions")["items"]) == 1
