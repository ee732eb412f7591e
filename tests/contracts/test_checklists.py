"""No item of the checklists is left without a probe or a person's word, and none is made up."""

from __future__ import annotations

from signoff.watch.probes.checklists import DOCUMENTS, ITEMS, source_of
from signoff.watch.probes.registry import BY_ID, GROUPS, PROBES
from tests.contracts.kit_source import DOCS

PAGE = (DOCS / "reference" / "probes.md").read_text()
# How many items each document has that somebody can tick.
LEAST = {"promote": 21, "week": 12, "deploy": 12, "runbook": 18, "checklist": 27, "mature": 1, "guardrails": 3}


def test_every_item_of_every_checklist_is_answered():
    answered = {name for probe in PROBES for name in probe.asked}
    assert sorted(set(ITEMS) - answered) == []


def test_every_probe_is_asked_for_by_an_item_that_is_there():
    assert {probe.id: probe.asked for probe in PROBES if not probe.asked or set(probe.asked) - set(ITEMS)} == {}


def test_no_document_lost_items():
    counts = {document: sum(name.startswith(f"{document}:") for name in ITEMS) for document in DOCUMENTS}
    assert {document: count for document, count in counts.items() if count < LEAST[document]} == {}


def test_the_page_names_each_item_with_its_line_and_its_probe():
    lines = PAGE.splitlines()
    for name, text in ITEMS.items():
        row = next((line for line in lines if line.startswith(f"| {name.partition(':')[2]} | {text} |")), "")
        assert "`" in row, name


def test_ids_are_unique_and_of_a_group_that_has_a_title():
    assert len(BY_ID) == len(PROBES)
    assert {probe.group for probe in PROBES} <= set(GROUPS)


def test_a_source_is_told_as_a_person_looks_it_up():
    assert source_of(("promote:13", "promote:16", "deploy:6")) == (
        "Promote to Production, lines 13 and 16; Deployment: production checklist, line 6"
    )
