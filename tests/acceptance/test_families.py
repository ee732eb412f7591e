"""Agents that call agents: which revision of the other one a call gets, and what is asked before the first release."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.product import Product
from tests.acceptance.releasing import evidence, kept_back_by, released, serving, tell_only
from tests.acceptance.scripts import asked, turns
from tests.fake_provider import Behaviour, FakeProvider, text, tool_calls


@pytest.fixture(scope="module")
def desk(own_product: Callable[..., Product]) -> Product:
    """An installation whose gate holds back only what is looked at here."""
    made = own_product().start()
    tell_only(made)
    return made


def asks(*tools: str) -> Behaviour:
    """Ask each of these agents the run's input, all at once, then answer."""

    def ask(body: dict[str, Any], number: int) -> Any:
        return tool_calls(*[(tool, {"input": asked(body)}) for tool in tools])(body, number)

    return turns(ask, text("done"))


def called(product: Product, slug: str, name: str) -> dict[str, int]:
    """Run an agent; which revision did each call of it get?"""
    run = product.run(slug, name)["run"]
    assert run["state"] == "completed", run
    by_run = {one["id"]: one["revision_number"] for one in product.get(f"runs/{run['id']}/family")["runs"]}
    steps = [one for one in product.steps(run["id"]) if one["kind"] == "tool"]
    return {one["name"]: by_run[product.step(run["id"], one["id"])["detail"]["child"]] for one in steps}


def test_d130_f81_a_pinned_agent_stays_and_one_that_follows_goes_along(desk: Product, provider: FakeProvider):
    child = desk.agent("clerk")
    for number in (2, 3, 4):
        assert desk.revise(child, sop=f"Answer. {number}") == number
    released(desk, child, 4)
    fourth = desk.get(f"agents/{child}/revisions/4")["facts"]["hash"]
    named = [
        {"agent": child, "tool": "ask_fourth", "revision": 4},
        {"agent": child, "tool": "ask_same", "revision": fourth},
        {"agent": child, "tool": "ask_whoever_serves"},
    ]
    parent = desk.agent("desk", sub_agents=named)
    provider.will(child, text("fine"))
    provider.will(parent, asks("ask_fourth", "ask_same", "ask_whoever_serves"))
    assert called(desk, parent, "before") == {"ask_fourth": 4, "ask_same": 4, "ask_whoever_serves": 4}
    assert desk.revise(child, sop="Answer. 5") == 5
    # Frozen is not deployed: nothing moves to what is newest by itself.
    assert called(desk, parent, "frozen") == {"ask_fourth": 4, "ask_same": 4, "ask_whoever_serves": 4}
    released(desk, child, 5)
    assert serving(desk, child) == 5
    assert called(desk, parent, "after") == {"ask_fourth": 4, "ask_same": 4, "ask_whoever_serves": 5}


def test_f82_an_agent_whose_child_serves_nowhere_does_not_go_live(own_product: Callable[..., Product]):
    strict = own_product().start()
    strict.post("agents", {"slug": "orders", "name": "orders", "body": strict.body("orders")})
    parent = strict.agent("parent")
    strict.revise(parent, sub_agents=[{"agent": "orders", "tool": "ask_orders"}])
    item = "product.sub_agents"
    assert kept_back_by(strict, parent)[item] == "orders serves nothing in production."
    assert serving(strict, parent) == 1
    shown = evidence(strict, parent)[item]
    assert (shown["status"], shown["severity"]) == ("false", "block")
    # Its own first revision makes the difference, and nothing else does.
    before = set(kept_back_by(strict, parent))
    strict.post("agents/orders/revisions", {"reason": "first"})
    assert serving(strict, "orders") == 1
    assert before - set(kept_back_by(strict, parent)) == {item}
    # Pinned to a revision that is there, it need not serve; to one that is not, it cannot be frozen.
    strict.post("agents", {"slug": "mails", "name": "mails", "body": strict.body("mails")})
    strict.revise(parent, sub_agents=[{"agent": "orders", "tool": "ask_orders", "revision": 1}])
    assert item not in kept_back_by(strict, parent, 3)
    draft = strict.body(parent, sub_agents=[{"agent": "mails", "tool": "ask_mails", "revision": 1}])
    version = strict.get(f"agents/{parent}/draft")["version"]
    saved = strict.call("PUT", f"agents/{parent}/draft", json={"body": draft, "version": version})
    assert saved.status_code == 200, saved.text
    refused = strict.call("POST", f"agents/{parent}/revisions", json={"reason": "pinned to none"})
    assert refused.status_code in (400, 409, 422), refused.text
    assert "unknown_revision" in refused.text
