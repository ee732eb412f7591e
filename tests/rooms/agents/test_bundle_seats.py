"""Agents as code name who answers for an agent: shown before, done once, and the same when exported."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from signoff.agents.actions import ask_owner, decline_ownership
from signoff.agents.bundle import export, plan, plan_text, read_folder, write_folder
from signoff.agents.ownership import ownership_of
from signoff.deployments.bundle import Applied, apply_plan
from signoff.kit.errors import NotAllowed
from signoff.people.access import Principal
from signoff.people.roles import Role
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import SOP, Place, person, place

BODY = "model:\n  name: openai:gpt-5\n"
NAMES: dict[str, Role] = {
    "Ann": "administrator", "Olga": "administrator", "Carl": "builder", "Dora": "administrator", "Bob": "manager",
    "Mia": "administrator",
}  # fmt: skip


@pytest.fixture
def at(store: Store) -> Place:
    return place(store)


@pytest.fixture
def people(store: Store, at: Place) -> dict[str, Principal]:
    return {name: person(store, at, name, role) for name, role in NAMES.items()}


def address(at: Place, name: str) -> str:
    return f"{name.lower()}@{at.workspace_id}.example"


def write(folder: Path, at: Place, **seats: str | list[str]) -> None:
    lines = ["slug: bills", "name: Bills"]
    for name, value in seats.items():
        who = [address(at, one) for one in value] if isinstance(value, list) else address(at, value)
        lines.append(f"{name}: [{', '.join(who)}]" if isinstance(who, list) else f"{name}: {who}")
    (folder / "bills").mkdir(parents=True, exist_ok=True)
    (folder / "bills" / "agent.yaml").write_text("\n".join(lines) + "\n" + BODY)
    (folder / "bills" / "sop.md").write_text(SOP)


def write_all(folder: Path, at: Place) -> None:
    write(
        folder, at, owner="Ann", operations_owner="Olga", approvers=["Dora", "Carl"], backup="Bob",
        escalation_manager="Mia",
    )  # fmt: skip


def apply(store: Store, who: Principal, folder: Path) -> Applied:
    with store.write() as session:
        return apply_plan(session, who, plan(session, who, read_folder(folder)), reason="as code")[0]


def shown(store: Store, who: Principal, folder: Path) -> str:
    with store.read() as session:
        return plan_text(plan(session, who, read_folder(folder)))


def seats(store: Store, who: Principal) -> list[tuple[str, str, str]]:
    with store.read() as session:
        return [(one.kind, one.name, one.state) for one in ownership_of(session, who, "bills").owners]


def audit_rows(store: Store) -> int:
    with store.read() as session:
        return session.scalars(select(func.count()).select_from(AuditRow)).one()


def test_everybody_named_is_asked_and_a_second_time_nothing_happens(
    store: Store, at: Place, people: dict[str, Principal], tmp_path: Path
) -> None:
    write_all(tmp_path, at)
    assert apply(store, people["Ann"], tmp_path).kind == "created"
    assert seats(store, people["Ann"]) == [
        ("build", "Ann", "accepted"), ("operations", "Olga", "asked"), ("approver", "Carl", "asked"),
        ("approver", "Dora", "asked"), ("backup", "Bob", "asked"), ("escalation", "Mia", "asked"),
    ]  # fmt: skip
    rows = audit_rows(store)
    assert apply(store, people["Ann"], tmp_path).kind == "same"
    assert audit_rows(store) == rows


def test_export_and_apply_go_round_without_a_change(
    store: Store, at: Place, people: dict[str, Principal], tmp_path: Path
) -> None:
    write_all(tmp_path / "in", at)
    apply(store, people["Ann"], tmp_path / "in")
    with store.read() as session:
        write_folder(tmp_path / "out", export(session, people["Ann"]))
    about = (tmp_path / "out" / "bills" / "agent.yaml").read_text()
    assert f"operations_owner: {address(at, 'Olga')}" in about
    assert f"approvers:\n- {address(at, 'Carl')}\n- {address(at, 'Dora')}" in about
    assert f"escalation_manager: {address(at, 'Mia')}" in about
    assert apply(store, people["Ann"], tmp_path / "out").kind == "same"
    with store.read() as session:
        assert write_folder(tmp_path / "out", export(session, people["Ann"])) == []


def test_a_plan_shows_who_would_be_asked_and_taken_off_and_does_nothing(
    store: Store, at: Place, people: dict[str, Principal], tmp_path: Path
) -> None:
    write_all(tmp_path, at)
    apply(store, people["Ann"], tmp_path)
    before = seats(store, people["Ann"])
    write(tmp_path, at, operations_owner="Dora", approvers=["Carl", "Olga"])
    told = shown(store, people["Ann"], tmp_path)
    assert f"operations_owner: '{address(at, 'Olga')}' becomes '{address(at, 'Dora')}'" in told
    assert f"approvers: ['{address(at, 'Carl')}', '{address(at, 'Dora')}'] becomes" in told
    assert "escalation_manager" not in told
    assert seats(store, people["Ann"]) == before
    assert apply(store, people["Ann"], tmp_path).kind == "changed"
    # What the file says nothing about stays as it is.
    assert seats(store, people["Ann"]) == [
        ("build", "Ann", "accepted"), ("operations", "Dora", "asked"), ("approver", "Carl", "asked"),
        ("approver", "Olga", "asked"), ("backup", "Bob", "asked"), ("escalation", "Mia", "asked"),
    ]  # fmt: skip


def test_an_empty_list_takes_all_approvers_off_and_hours_stay(
    store: Store, at: Place, people: dict[str, Principal], tmp_path: Path
) -> None:
    write_all(tmp_path, at)
    apply(store, people["Ann"], tmp_path)
    hours = {"mon": [["09:00", "17:00"]]}
    with store.write() as session:
        olga = people["Olga"].id
        ask_owner(session, people["Ann"], "bills", kind="operations", member_id=olga, hours=hours, time_zone="UTC")
    write(tmp_path, at, operations_owner="Olga", approvers=[])
    assert apply(store, people["Ann"], tmp_path).kind == "changed"
    with store.read() as session:
        owners = ownership_of(session, people["Ann"], "bills").owners
    assert [one.kind for one in owners] == ["build", "operations", "backup", "escalation"]
    assert owners[1].hours == hours


def test_whoever_declined_is_not_exported_and_asked_again_by_the_file(
    store: Store, at: Place, people: dict[str, Principal], tmp_path: Path
) -> None:
    write(tmp_path, at, approvers=["Carl"])
    apply(store, people["Ann"], tmp_path)
    with store.write() as session:
        decline_ownership(session, people["Carl"], "bills", "approver", reason="no time")
    with store.read() as session:
        assert export(session, people["Ann"])[0].approvers is None
    assert apply(store, people["Ann"], tmp_path).kind == "changed"
    assert ("approver", "Carl", "asked") in seats(store, people["Ann"])


def test_an_unknown_person_is_told_with_the_line(
    store: Store, at: Place, people: dict[str, Principal], tmp_path: Path
) -> None:
    stranger = person(store, place(store, "elsewhere"), "Eve", "manager")
    write_all(tmp_path, at)
    path = tmp_path / "bills" / "agent.yaml"
    eve = f"eve@{stranger.workspace_id}.example"
    path.write_text(
        f"slug: bills\nname: Bills\noperations_owner: {eve}\napprovers:\n- {address(at, 'Carl')}\n- no@body.example\n"
        f"escalation_manager: {eve}\n{BODY}"
    )
    with store.read() as session:
        (item,) = plan(session, people["Ann"], read_folder(tmp_path)).items
    assert item.kind == "refused"
    assert {(one.code, one.path, one.line) for one in item.findings if one.severity == "error"} == {
        ("unknown_operations_owner", "operations_owner", 3), ("unknown_approver", "approvers[1]", 6),
        ("unknown_escalation_manager", "escalation_manager", 7),
    }  # fmt: skip
    path.write_text(f"slug: bills\nname: Bills\napprovers: {address(at, 'Carl')}\n{BODY}")
    assert "approvers takes a list" in shown(store, people["Ann"], tmp_path)
    many = ", ".join(f"a{number}@x.example" for number in range(21))
    path.write_text(f"slug: bills\nname: Bills\napprovers: [{many}]\n{BODY}")
    assert "At most 20" in shown(store, people["Ann"], tmp_path)


def test_who_may_not_say_who_answers_changes_no_seat(
    store: Store, at: Place, people: dict[str, Principal], tmp_path: Path
) -> None:
    write_all(tmp_path, at)
    apply(store, people["Ann"], tmp_path)
    before = seats(store, people["Ann"])
    write(tmp_path, at, approvers=["Carl"])
    with pytest.raises(NotAllowed):
        apply(store, people["Carl"], tmp_path)
    assert seats(store, people["Ann"]) == before
