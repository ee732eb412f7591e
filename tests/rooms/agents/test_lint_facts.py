"""What lint knows of a workspace: the strictest of all its environments, and nothing of other workspaces."""

from __future__ import annotations

from sqlalchemy import select, update

from signoff.agents.actions import create_agent
from signoff.agents.facts import gather
from signoff.agents.lint import lint
from signoff.connections.secrets import grant_secret
from signoff.tables.connections import Secret
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


def test_a_secret_that_is_not_granted_and_one_that_is_a_persons_own_are_told(store: Store):
    at = place(store)
    ann = person(store, at, "Ann")
    with store.write() as session:
        agent = create_agent(session, ann, slug="clerk", name="Clerk", body={}, owner_id=ann.id)
        for environment in ("staging", "production"):
            secret(session, at, environment, "ERP_TOKEN", connection(session, at, environment, "erp", {}))
        session.execute(update(Secret).where(Secret.name == "ERP_TOKEN").values(is_open_to_all=False))
        staging, production = session.scalars(select(Secret.id).order_by(Secret.id))
        grant_secret(session, ann, staging, agent)
    wanted = body(sop="Sign in with {{secret.ERP_TOKEN}}.", secrets=["ERP_TOKEN"])
    with store.write() as session:
        found = {one.code: one for one in lint(wanted, facts=gather(session, ann, wanted, agent="clerk"))}
        assert found["secret_not_granted"].text.startswith("production: the secret ERP_TOKEN is not granted")
        assert "secret_personal" not in found
        assert gather(session, ann, wanted).secrets_ungranted == {}
        grant_secret(session, ann, production, agent)
        session.execute(update(Secret).where(Secret.id == production).values(principal="personal", owner_name="Ann"))
        found = {one.code: one for one in lint(wanted, facts=gather(session, ann, wanted, agent=agent))}
        assert "secret_not_granted" not in found
        assert "personal login of Ann" in found["secret_personal"].text
