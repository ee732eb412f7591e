"""What lint knows of a workspace: the strictest of all its environments, and nothing of other workspaces."""

from __future__ import annotations

from signoff.agents.facts import gather
from signoff.agents.lint import lint
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import body, connection, person, place, secret, tool


def test_facts_are_gathered_over_all_environments(store: Store):
    at, elsewhere = place(store), place(store, "other")
    ann = person(store, at, "Ann")
    with store.write() as session:
        here = connection(session, at, "staging", "erp", {"post": tool("write", total={"type": "number"})})
        connection(session, at, "production", "erp", {"post": tool("irreversible", "changed"), "find": tool()})
        connection(session, at, "staging", "crm", {})
        connection(session, elsewhere, "staging", "theirs", {"secret_tool": tool()})
        secret(session, at, "staging", "ERP_TOKEN", here)
    with store.read() as session:
        facts = gather(session, ann)
    assert facts.slots is not None
    assert set(facts.slots) == {"erp", "crm"}
    assert set(facts.slots["erp"]) == {"post", "find"}
    assert (facts.slots["erp"]["post"].effect, facts.slots["erp"]["post"].state) == ("irreversible", "changed")
    assert facts.secrets == {"ERP_TOKEN"}
    assert facts.slots_missing == {"crm": ("production",)}
    assert facts.secrets_missing == {"ERP_TOKEN": ("production",)}


def test_only_the_tools_of_the_named_slots_are_read(store: Store):
    at = place(store)
    ann = person(store, at, "Ann")
    with store.write() as session:
        connection(session, at, "staging", "erp", {"post": tool("write")})
        connection(session, at, "staging", "crm", {"find": tool()})
    wanted = body(tools=[{"slot": "erp", "allow": [{"tool": "post", "effect": "read"}]}, {"slot": "cmr", "allow": []}])
    with store.read() as session:
        facts = gather(session, ann, wanted, known_model=lambda name: False)
    assert facts.slots is not None
    assert {name: set(tools) for name, tools in facts.slots.items()} == {"erp": {"post"}, "crm": set()}
    found = {finding.code: finding for finding in lint(wanted, facts=facts) if finding.severity == "error"}
    assert set(found) == {"effect_loosened", "unknown_slot", "unknown_model"}
    assert "Did you mean crm?" in found["unknown_slot"].text
