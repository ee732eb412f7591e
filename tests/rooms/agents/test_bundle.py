"""Agents as code: a round trip changes no byte, a second apply changes nothing, every mistake has its line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from signoff.agents.actions import save_draft
from signoff.agents.body import Body
from signoff.agents.bundle import AgentFile, export, plan, plan_text, read_folder, read_texts, write_folder, written
from signoff.agents.lint import NO_FACTS, lint
from signoff.agents.queries import agent_by_slug, draft_of, refused_saves, revisions_page
from signoff.agents.refusals import LintFailed, StalePlan
from signoff.deployments.bundle import Applied, apply_plan
from signoff.deployments.queries import live_revision
from signoff.kit.errors import Malformed
from signoff.people.access import Principal
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import SOP, Place, body, person, place

ABOUT = """\
slug: bills
name: Bills
description: Files supplier bills.
owner: {owner}
tags: [finance, 'yes']
model:
  name: openai:gpt-5
  settings: {{temperature: 0.2}}
output_schema:
  type: object
  properties:
    yes: {{type: string, default: null}}
limits:
  cost_usd: 0.50
  turns: 12
"""


def apply(store: Store, who: Principal, folder: Path) -> list[Applied]:
    with store.write() as session:
        return apply_plan(session, who, plan(session, who, read_folder(folder)), reason="as code")


def write(folder: Path, owner: Principal, at: Place, sop: str = SOP, about: str = ABOUT) -> None:
    (folder / "bills").mkdir(parents=True, exist_ok=True)
    address = f"{owner.name.upper()}@{at.workspace_id}.example"
    (folder / "bills" / "agent.yaml").write_text(about.format(owner=address))
    (folder / "bills" / "sop.md").write_text(sop)


def audit_rows(store: Store) -> int:
    with store.read() as session:
        return session.scalars(select(func.count()).select_from(AuditRow)).one()


def test_applying_twice_changes_nothing(store: Store, tmp_path: Path):
    at = place(store)
    ann = person(store, at, "Ann")
    write(tmp_path, ann, at)
    (made,) = apply(store, ann, tmp_path)
    assert (made.kind, made.revision_number) == ("created", 1)
    rows = audit_rows(store)
    (again,) = apply(store, ann, tmp_path)
    assert (again.kind, again.revision_number) == ("same", None)
    assert audit_rows(store) == rows
    with store.read() as session:
        found = agent_by_slug(session, ann, "bills")
        assert (found.owner and found.owner.name, found.tags, found.last_revision) == ("Ann", ("finance", "yes"), 1)
        assert live_revision(session, found.id, at.environments["production"]) == made.revision_id


def test_export_and_apply_go_round_without_a_change(store: Store, tmp_path: Path):
    at = place(store)
    ann = person(store, at, "Ann")
    write(tmp_path / "in", ann, at)
    apply(store, ann, tmp_path / "in")
    with store.read() as session:
        files = export(session, ann)
    assert len(write_folder(tmp_path / "out", files)) == 2
    first = {path.name: path.read_bytes() for path in (tmp_path / "out" / "bills").iterdir()}
    (applied,) = apply(store, ann, tmp_path / "out")
    assert applied.kind == "same"
    with store.read() as session:
        assert write_folder(tmp_path / "out", export(session, ann, agent="bills")) == []
    assert {path.name: path.read_bytes() for path in (tmp_path / "out" / "bills").iterdir()} == first


def test_what_is_frozen_already_is_left_alone_also_where_its_model_cannot_be_called(store: Store, tmp_path: Path):
    """An export from a server is applied on a machine that has none of its keys."""
    at = place(store)
    ann = person(store, at, "Ann")
    write(tmp_path, ann, at)
    apply(store, ann, tmp_path)
    without_keys = replace(NO_FACTS, known_model=lambda name: False)
    with store.read() as session:
        unchanged = plan(session, ann, read_folder(tmp_path), facts=without_keys)
        write(tmp_path, ann, at, "Another.")
        changed = plan(session, ann, read_folder(tmp_path), facts=without_keys)
    assert [(item.kind, item.findings) for item in unchanged.items] == [("same", ())]
    assert [(item.kind, item.findings[0].code) for item in changed.items] == [("refused", "unknown_model")]


def test_a_change_makes_the_next_revision_and_the_plan_shows_it(store: Store, tmp_path: Path):
    at = place(store)
    ann = person(store, at, "Ann")
    write(tmp_path, ann, at)
    (first,) = apply(store, ann, tmp_path)
    write(tmp_path, ann, at, SOP.replace("each", "every"), ABOUT.replace("name: Bills", "name: All bills"))
    with store.read() as session:
        made = plan(session, ann, read_folder(tmp_path))
        shown = plan_text(made)
    assert "bills: would change (new revision)" in shown
    assert "+ File every bill." in shown
    assert "name: 'Bills' becomes 'All bills'" in shown
    (second,) = apply(store, ann, tmp_path)
    assert (second.kind, second.revision_number) == ("changed", 2)
    with store.read() as session:
        # Only the first revision serves by itself.
        assert live_revision(session, first.agent_id, at.environments["production"]) == first.revision_id


def test_a_plan_writes_nothing(store: Store, tmp_path: Path):
    at = place(store)
    ann = person(store, at, "Ann")
    write(tmp_path, ann, at)
    with store.write() as session:
        assert plan(session, ann, read_folder(tmp_path)).items[0].kind == "create"
    assert audit_rows(store) == 0


def test_edits_nobody_froze_are_kept(store: Store, tmp_path: Path):
    at = place(store)
    ann = person(store, at, "Ann")
    write(tmp_path, ann, at)
    apply(store, ann, tmp_path)
    with store.write() as session:
        save_draft(session, ann, "bills", body=body(sop="Half-done."), version=1)
    assert apply(store, ann, tmp_path)[0].kind == "same"
    with store.read() as session:
        assert draft_of(session, ann, "bills").body["sop"] == "Half-done."
    write(tmp_path, ann, at, "Another.")
    with store.read() as session:
        assert "nobody froze" in plan_text(plan(session, ann, read_folder(tmp_path)))
    apply(store, ann, tmp_path)
    with store.read() as session:
        assert draft_of(session, ann, "bills").body["sop"] == "Another."
        assert [kept.body["sop"] for kept in refused_saves(session, ann, "bills")] == ["Half-done."]


def test_a_plan_that_is_no_longer_true_is_refused(store: Store, tmp_path: Path):
    at = place(store)
    ann = person(store, at, "Ann")
    write(tmp_path, ann, at)
    apply(store, ann, tmp_path)
    write(tmp_path, ann, at, "Another.")
    with store.read() as session:
        old = plan(session, ann, read_folder(tmp_path))
    with store.write() as session:
        save_draft(session, ann, "bills", body=body(sop="Meanwhile."), version=1)
    with pytest.raises(StalePlan), store.write() as session:
        apply_plan(session, ann, old, reason="x")


def test_one_wrong_agent_stops_all_and_every_mistake_is_told(store: Store, tmp_path: Path):
    at = place(store)
    ann = person(store, at, "Ann")
    write(tmp_path, ann, at)
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "agent.yaml").write_text(
        "slug: worng\nname: 5\nowner: nobody@example.com\nmodel:\n  name: openai:gpt-5\n  name: x:yy\n"
        "  temprature: 1\nlimits:\n  turns: yes\nsop: no\n"
    )
    with pytest.raises(LintFailed, match="wrong") as refused, store.write() as session:
        apply_plan(session, ann, plan(session, ann, read_folder(tmp_path)), reason="x")
    told = {
        (found["code"], found["path"], found["line"])
        for found in refused.value.extra["agents"]["wrong"]
        if found["severity"] == "error"
    }
    assert told == {
        ("file_unreadable", "sop", 1),
        ("slug_mismatch", "slug", 1),
        ("wrong_type", "name", 2),
        ("unknown_owner", "owner", 3),
        ("duplicate_key", "model.name", 6),
        ("unknown_field", "model.temprature", 7),
        ("wrong_type", "limits.turns", 9),
        ("sop_in_yaml", "", 10),
        ("sop_empty", "sop", 1),
    }
    with store.read() as session:
        assert [item.kind for item in plan(session, ann, read_folder(tmp_path)).items] == ["create", "refused"]
        assert audit_rows(store) == 0


def test_lines_are_those_of_agent_yaml():
    about = (
        "name: X\nmodel: {name: 'a:bb'}\ntools:\n- slot: erp\n  allow:\n  - tool: one\n  - tool: two\n    effect: nil\n"
    )
    file = read_texts("x", about, "Do it.\nUse {{secret.X}}.")
    found = {finding.code: finding.line for finding in lint(file.body, facts=NO_FACTS, lines=file.lines)}
    assert found["invalid_option"] == 8
    assert found["secret_not_listed"] == 2


@pytest.mark.parametrize(
    ("about", "code", "line"),
    [
        ("a: [", "yaml_error", 1),
        ("a: b: c", "yaml_error", 1),
        ("name: x\nb: !!python/object/apply:os.system ['id']", "yaml_tag", 2),
        ("b: !!binary aGk=", "yaml_tag", 1),
        ("b: !mine {}", "yaml_tag", 1),
        ("? [a]\n: 1", "yaml_key", 1),
        ("- a", "wrong_type", 1),
        ("", "wrong_type", 1),
        ("a: &a [*a]", "too_large", 1),
        ("b: " + "[" * 60 + "]" * 60, "too_deep", 1),
        ("b: " + "[" * 5_000, "too_deep", 1),
        ("a: 1\n---\nb: 2", "yaml_error", 2),
        ("b: '" + "x" * 300_000 + "'", "too_large", 1),
        ("a: \x07", "yaml_error", 1),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "\n".join(
                f"{'abcdefg'[n]}: &{'abcdefg'[n]} [{','.join(['*' + 'abcdefg'[n - 1]] * 9)}]" for n in range(1, 7)
            ),
            "too_large",
            1,
        ),
    ],
    ids=lambda value: str(value)[:20],
)
def test_hostile_yaml_is_one_finding(about: str, code: str, line: int):
    file = read_texts("x", about, "Do it.")
    assert [(finding.code, finding.line) for finding in file.findings] == [(code, line)]
    assert file.body == {}


def test_plain_words_are_what_they_look_like():
    file = read_texts(
        "x", "name: no\nlimits: {a: 12:30, b: 1_000, c: 0x10, d: 2026-11-20, e: TRUE, f: ~, g: 5, h: .5}", ""
    )
    assert file.name == "no"
    assert file.body["limits"] == {
        "a": "12:30",
        "b": "1_000",
        "c": "0x10",
        "d": "2026-11-20",
        "e": True,
        "f": None,
        "g": 5,
        "h": 0.5,
    }


def test_links_are_not_followed(tmp_path: Path):
    (tmp_path / "secret").write_text("root:x:0")
    (tmp_path / "bills").mkdir()
    (tmp_path / "bills" / "agent.yaml").write_text("name: X\nmodel: {name: 'a:bb'}\n")
    (tmp_path / "bills" / "sop.md").symlink_to(tmp_path / "secret")
    (file,) = read_folder(tmp_path)
    assert [finding.code for finding in file.findings] == ["file_unreadable"]
    assert "root" not in str(file)
    with pytest.raises(Malformed, match="link"):
        write_folder(tmp_path, [AgentFile("bills", "X", body=body())])
    assert (tmp_path / "secret").read_text() == "root:x:0"


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_a_folder_without_agents_is_said(tmp_path: Path, path: str):
    with pytest.raises(Malformed):
        read_folder(tmp_path / path)


def test_a_file_that_is_not_utf8_is_said(tmp_path: Path):
    (tmp_path / "bills").mkdir()
    (tmp_path / "bills" / "agent.yaml").write_bytes(b"\xff\xfe\x00")
    (file,) = read_folder(tmp_path)
    assert {finding.code for finding in file.findings} == {"file_unreadable"}


def test_files_with_windows_line_ends_are_the_same(store: Store, tmp_path: Path):
    at = place(store)
    ann = person(store, at, "Ann")
    write(tmp_path, ann, at)
    apply(store, ann, tmp_path)
    sop = tmp_path / "bills" / "sop.md"
    sop.write_bytes(b"\xef\xbb\xbf" + sop.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    assert apply(store, ann, tmp_path)[0].kind == "same"
    with store.read() as session:
        assert len(revisions_page(session, ann, "bills").rows) == 1


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
SCHEMA = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-9, 9) | TEXT, max_size=4)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=TEXT, sop=TEXT, schema=SCHEMA, args=SCHEMA, allow=st.booleans(), tags=st.lists(TEXT, max_size=3))
def test_what_is_written_is_read_back(
    name: str, sop: str, schema: dict[str, Any], args: dict[str, Any], allow: bool, tags: list[str]
):
    tools = [{"slot": "erp", "allow": [{"tool": "a", "args": {"x": args}, "max_calls": 1}] if allow else []}]
    content = Body.model_validate(body(sop=sop, output_schema=schema, tools=tools))
    file = AgentFile("bills", f"x{name.strip()}x", tags=tuple(tags), body=content.plain())
    about, text = written(file)
    read = read_texts("bills", about, text)
    assert Body.model_validate(read.body).hash == content.hash
    assert written(AgentFile("bills", read.name, tags=file.tags, body=read.body)) == (about, text)
