"""A bundle of an agent that calls others: each that is missing is a hole with a name."""

from __future__ import annotations

from typing import Any

from signoff.agents.actions import create_agent
from signoff.agents.signed_bundle import check_bundle, plan_import
from signoff.deployments.actions import freeze_and_serve_first
from tests.rooms.agents.kit_agents import body
from tests.rooms.agents.kit_instances import Instance


def other(at: Instance, slug: str, *, frozen: bool = True, **changes: Any) -> None:
    with at.store.write() as session:
        create_agent(session, at.ann, slug=slug, name=slug, body=body(**changes), owner_id=at.ann.id)
        if frozen:
            freeze_and_serve_first(session, at.ann, slug, reason="first")


def lacks(at: Instance, bundle: bytes) -> list[tuple[str, str]]:
    with at.store.read() as session:
        missing = plan_import(session, at.ann, bundle).missing
    return [(one.name, one.text) for one in missing if one.kind == "agent"]


def test_a_missing_sub_agent_is_told_by_name(here: Instance, there: Instance):
    other(here, "orders")
    other(here, "prices")
    names = [{"agent": "orders", "tool": "ask_orders"}, {"agent": "prices", "tool": "ask_prices", "revision": "1"}]
    here.freeze(sub_agents=names)
    bundle = here.export()
    found = check_bundle(bundle, here.trusted())
    assert found.payload is not None
    assert [(one.slug, one.revision) for one in found.payload.holes.agents] == [("orders", "live"), ("prices", "1")]
    there.trust(here)
    assert lacks(there, bundle) == [
        ("orders", "There is no agent orders, and it is called."),
        ("prices", "There is no agent prices, and it is called."),
    ]
    other(there, "orders", frozen=False)
    other(there, "prices", frozen=False)
    assert lacks(there, bundle) == [
        ("orders", "No revision of the agent orders serves here."),
        ("prices", "The agent prices has no revision 1."),
    ]
    with there.store.write() as session:
        for slug in ("orders", "prices"):
            freeze_and_serve_first(session, there.ann, slug, reason="first")
    assert lacks(there, bundle) == []


def test_a_number_that_means_another_revision_elsewhere_is_a_hole_with_a_name(here: Instance, there: Instance):
    for slug in ("prices", "orders"):
        other(here, slug)
    here.freeze(
        sub_agents=[
            {"agent": "orders", "tool": "ask_orders", "revision": "1"},
            {"agent": "prices", "tool": "ask_prices", "revision": "1"},
        ]
    )
    bundle = here.export()
    there.trust(here)
    other(there, "orders")
    other(there, "prices", sop="Another one altogether.")
    # The same number, and the same content: nothing is missing. Another content: it is not what was tested.
    assert lacks(there, bundle) == [
        ("prices", "Revision 1 of the agent prices is another here. Pin the hash that is meant.")
    ]
