"""Sub-agents of a body: checked before they are frozen, part of the hash, carried as code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from signoff.agents.actions import freeze_revision, save_draft
from signoff.agents.body import Body
from signoff.agents.bundle import export, plan, read_folder, write_folder
from signoff.agents.facts import gather
from signoff.agents.lint import lint
from signoff.agents.refusals import LintFailed
from signoff.agents.sub_agents import RESERVED
from signoff.deployments.actions import freeze_and_serve_first
from signoff.deployments.bundle import apply_plan
from signoff.gateways.tool.own_tools import own_tools
from signoff.people.access import Principal
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import agent, body, person, place


def calls(agent: str, revision: str | int = "live", tool: str = "", **more: Any) -> dict[str, Any]:
    return {"agent": agent, "revision": revision, "tool": tool or f"ask_{agent.replace('-', '_')}", **more}


def codes(store: Store, who: Principal, agent_id: str, plain: dict[str, Any]) -> dict[str, str]:
    with store.read() as session:
        found = lint(plain, facts=gather(session, who, plain, agent=agent_id))
    return {one.code: one.path for one in found if one.severity != "info" and one.code != "no_output_schema"}


def frozen(store: Store, who: Principal, slug: str, **changes: Any) -> str:
    agent_id = agent(store, who, slug, **changes)
    with store.write() as session:
        freeze_revision(session, who, agent_id, reason="first")
    return agent_id


def served(store: Store, who: Principal, slug: str, **changes: Any) -> str:
    agent_id = agent(store, who, slug, **changes)
    with store.write() as session:
        freeze_and_serve_first(session, who, agent_id, reason="first")
    return agent_id


def test_every_mistake_with_a_sub_agent_has_its_code_and_place(store: Store):
    ann = person(store, place(store), "Ann")
    served(store, ann, "orders")
    agent(store, ann, "drafted")
    desk = agent(store, ann, "desk")
    assert codes(store, ann, desk, body(sub_agents=[calls("orders"), calls("orders", 1, "ask_first")])) == {}
    assert codes(store, ann, desk, body(sub_agents=[calls("ordrs")])) == {"unknown_agent": "sub_agents[0].agent"}
    assert codes(store, ann, desk, body(sub_agents=[calls("desk")])) == {"sub_agent_itself": "sub_agents[0].agent"}
    assert codes(store, ann, desk, body(sub_agents=[calls("orders", 7)])) == {
        "unknown_revision": "sub_agents[0].revision"
    }
    assert codes(store, ann, desk, body(sub_agents=[calls("orders", "f" * 64)])) == {
        "unknown_revision": "sub_agents[0].revision"
    }
    assert codes(store, ann, desk, body(sub_agents=[calls("orders", "newest")])) == {
        "bad_name": "sub_agents[0].revision"
    }
    assert codes(store, ann, desk, body(sub_agents=[calls("drafted")])) == {
        "sub_agent_not_live": "sub_agents[0].revision"
    }
    assert codes(store, ann, desk, body(sub_agents=[calls("orders", tool="ask_person")])) == {
        "sub_agent_name_taken": "sub_agents[0].tool"
    }
    twice = [calls("orders", tool="help"), calls("orders", 1, "help")]
    assert codes(store, ann, desk, body(sub_agents=twice)) == {"duplicate_sub_agent": "sub_agents[1].tool"}


def test_a_sub_agent_has_not_the_name_of_a_tool_of_a_connection(store: Store):
    plain = body(tools=[{"slot": "erp", "allow": [{"tool": "find"}]}], sub_agents=[calls("orders", tool="erp_find")])
    found = [one for one in lint(plain) if one.severity == "error"]
    assert [(one.code, one.path) for one in found] == [("sub_agent_name_taken", "sub_agents[0].tool")]


def test_no_agent_comes_to_work_for_itself_through_another(store: Store):
    ann = person(store, place(store), "Ann")
    desk = frozen(store, ann, "desk")
    frozen(store, ann, "orders", sub_agents=[calls("desk", 1)])
    frozen(store, ann, "mails", sub_agents=[calls("orders", 1)])
    plain = body(sub_agents=[calls("mails", 1)])
    with store.read() as session:
        found = lint(plain, facts=gather(session, ann, plain, agent=desk))
    errors = [one for one in found if one.severity == "error"]
    assert [(one.code, one.path) for one in errors] == [("sub_agent_cycle", "sub_agents[0]")]
    assert "desk → mails → orders → desk" in errors[0].text
    with store.write() as session:
        save_draft(session, ann, desk, body=plain, version=1)
    with pytest.raises(LintFailed) as refusal, store.write() as session:
        freeze_revision(session, ann, desk, reason="in a circle")
    assert "goes in a circle" in str(refusal.value.errors)


def test_agents_call_each_other_only_as_deep_as_the_first_allows(store: Store):
    ann = person(store, place(store), "Ann")
    frozen(store, ann, "four")
    frozen(store, ann, "three", sub_agents=[calls("four", 1)])
    frozen(store, ann, "two", sub_agents=[calls("three", 1)])
    frozen(store, ann, "one", sub_agents=[calls("two", 1)])
    desk = agent(store, ann, "desk")
    deep = body(sub_agents=[calls("one", 1)])
    assert codes(store, ann, desk, deep) == {"sub_agents_too_deep": "sub_agents[0]"}
    assert codes(store, ann, desk, body(sub_agents=[calls("two", 1)])) == {}
    assert codes(store, ann, desk, {**deep, "limits": {"sub_agent_depth": 4}}) == {}


def test_the_hash_covers_the_sub_agents_and_that_of_older_revisions_stays():
    plain = Body.model_validate(body())
    assert "sub_agents" not in plain.plain()
    assert "sub_agent_depth" not in plain.plain()["limits"]
    with_one = Body.model_validate(body(sub_agents=[calls("orders", 3)]))
    by_text = Body.model_validate(body(sub_agents=[calls("orders", "3")]))
    other = Body.model_validate(body(sub_agents=[calls("orders", 4)]))
    assert len({plain.hash, with_one.hash, other.hash}) == 3
    assert with_one.hash == by_text.hash
    assert with_one.sub_agents[0].is_pinned
    assert with_one.sub_agents[0].revision == "3"


def test_a_bundle_carries_agents_that_name_each_other_and_a_second_apply_changes_nothing(store: Store, tmp_path: Path):
    home, other = place(store), place(store, "other")
    ann, bob = person(store, home, "Ann"), person(store, other, "Bob")
    served(store, ann, "orders")
    served(store, ann, "desk", sub_agents=[calls("orders", description="Looks an order up.", max_calls=3)])
    with store.read() as session:
        write_folder(tmp_path, export(session, ann))
    text = (
        (tmp_path / "desk" / "agent.yaml").read_text().replace(f"ann@{home.workspace_id}", f"bob@{other.workspace_id}")
    )
    (tmp_path / "desk" / "agent.yaml").write_text(text)
    orders = tmp_path / "orders" / "agent.yaml"
    orders.write_text(orders.read_text().replace(f"ann@{home.workspace_id}", f"bob@{other.workspace_id}"))
    assert "sub_agents:" in text
    assert "max_calls: 3" in text
    with store.write() as session:
        applied = apply_plan(session, bob, plan(session, bob, read_folder(tmp_path)), reason="as code")
    assert [one.slug for one in applied] == ["desk", "orders"]
    with store.read() as session:
        assert plan(session, bob, read_folder(tmp_path)).is_empty


def test_no_tool_of_our_own_can_be_named_by_a_sub_agent():
    whole = Body.model_validate(
        body(asking={"questions": True, "logins": True}, memory={"scope": "shared"},
             tools=[{"slot": "erp", "allow": [{"tool": "find"}]}])
    )  # fmt: skip
    assert set(own_tools(whole)) <= RESERVED
