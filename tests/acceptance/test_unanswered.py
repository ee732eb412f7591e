"""Requests that nobody answers: who is asked next, what becomes of the run, and the pool whose first answer wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.product import Product, until
from tests.acceptance.releasing import GATE, Colleague, aged, colleague
from tests.acceptance.scripts import acts
from tests.fake_provider import FakeProvider
from tests.kit_hook import hook_server


@pytest.fixture(scope="module")
def waiting(own_product: Callable[..., Product]) -> Product:
    """An installation whose moments may be moved."""
    made = own_product().start()
    made.connect()
    return made


@pytest.fixture(scope="module")
def ada(waiting: Product) -> Colleague:
    """An approver."""
    return colleague(waiting, "Ada")


def parked(
    product: Product, provider: FakeProvider, name: str, *approvers: Colleague, **gate: Any
) -> tuple[str, str, str]:
    """A run that waits for somebody to agree to its payment; returns agent, run and request."""
    slug = product.agent(name, tools=("pay",), gates=[{**GATE, **gate}])
    for approver in approvers:
        approver.sit(slug, "approver")
    provider.will(slug, acts("pay"))
    run = product.run(slug, name)["run"]
    assert (run["state"], run["waiting_for"]) == ("waiting", "approval"), run
    (request,) = product.get("approvals", run=run["id"])["items"]
    return slug, run["id"], request["id"]


def let_pass(product: Product, request: str, hours: float) -> None:
    """Move everything about a request so far back."""
    for moment in ("created_at", "deadline_at", "next_at"):
        aged(product, "approvals", moment, f"-{hours} hours", "id = ?", request)


def asked(product: Product, request: str) -> set[str]:
    return {one["name"] for one in product.get(f"approvals/{request}")["recipients"]}


def test_d77_after_a_day_the_backup_is_asked_and_told_and_then_the_manager(
    waiting: Product, provider: FakeProvider, ada: Colleague
):
    ben, eve = colleague(waiting, "Ben"), colleague(waiting, "Eve")
    ladder = [{"after_minutes": 1440, "to": ["backup"]}, {"after_minutes": 2880, "to": ["escalation"]}]
    with hook_server() as hook:
        channel = {"kind": "webhook", "name": "mine", "target": hook.url()}
        assert ben.call("POST", "channels", json=channel).status_code == 201
        slug, run, request = parked(waiting, provider, "d77", ada, escalation=ladder, deadline_minutes=4320)
        ben.sit(slug, "backup")
        eve.sit(slug, "escalation")
        let_pass(waiting, request, 23)
        assert hook.posts == []
        let_pass(waiting, request, 1.01)
        until(lambda: hook.posts, "Ben to be told")
        (notice,) = hook.bodies()[0]["notices"]
        assert (notice["event"], notice["approval"]) == ("escalated", request)
        assert asked(waiting, request) == {"Ada", "Ben"}
        let_pass(waiting, request, 24)
        until(lambda: "Eve" in asked(waiting, request), "Eve to be asked")
    assert (waiting.state(run), waiting.done("pay", "d77")) == ("waiting", 0)


@pytest.mark.parametrize(("on_deadline", "state"), [("deny", "completed"), ("fail", "failed")])
def test_f86_what_nobody_answers_expires_and_its_run_ends_as_the_gate_says(
    waiting: Product, provider: FakeProvider, ada: Colleague, on_deadline: str, state: str
):
    gate = {
        "deadline_minutes": 60,
        "on_deadline": on_deadline,
        "escalation": [{"after_minutes": 999, "to": ["backup"]}],
    }
    slug, run, request = parked(waiting, provider, f"f86-{on_deadline}", ada, **gate)
    let_pass(waiting, request, 1.01)
    found = waiting.ended(run, ("completed", "failed"))["run"]
    assert found["state"] == state
    assert waiting.get(f"approvals/{request}")["row"]["state"] == "expired"
    assert waiting.done("pay", f"f86-{on_deadline}") == 0
    # Whoever comes after the deadline changes nothing.
    late = ada.call("POST", f"approvals/{request}:approve", json={})
    assert late.status_code == 409
    on_record = waiting.get("audit", action="approval.expired")["items"]
    assert [one["object_id"] for one in on_record].count(request) == 1
    if on_deadline == "deny":
        told = [seen.body for seen in provider.requests if seen.model == slug][-1]
        (answer,) = [str(one["content"]) for one in told["messages"] if one["role"] == "tool"]
        assert "Nobody answered" in answer
    else:
        assert (found["code"], provider.calls(slug)) == ("approval_expired", 1)


def test_f89_a_request_nobody_can_answer_is_degraded_until_somebody_sees_to_it(
    waiting: Product, provider: FakeProvider
):
    # Owners and administrators are asked in the place of somebody who is not there; so many there are not.
    _, run, request = parked(waiting, provider, "f89", asks=["nobody@example.com"], quorum=9)

    def alerts() -> list[Any]:
        return [
            one for one in waiting.get("alerts")["items"]
            if one["kind"] == "approval_nobody_to_ask" and one["resolved_at"] is None
        ]  # fmt: skip

    assert waiting.get(f"approvals/{request}")["row"]["is_degraded"]
    until(alerts, "the alert")
    nora = colleague(waiting, "Nora")
    assert nora.call("POST", f"approvals/{request}:acknowledge", json={}).status_code == 200
    assert not waiting.get(f"approvals/{request}")["row"]["is_degraded"]
    until(lambda: not alerts(), "the alert to end")
    assert waiting.state(run) == "waiting"


def test_d80_everybody_in_the_pool_sees_it_and_the_first_answer_wins(
    waiting: Product, provider: FakeProvider, ada: Colleague
):
    carl = colleague(waiting, "Carl")
    _, run, request = parked(waiting, provider, "d80", ada, carl)
    for one in (ada, carl):
        mine = one.call("GET", f"approvals/{request}").json()
        assert mine["row"]["can_decide"]
    assert carl.call("POST", f"approvals/{request}:approve", json={}).status_code == 200
    late = ada.call("POST", f"approvals/{request}:deny", json={"reason": "No."})
    assert (late.status_code, "Carl approved it" in late.json()["detail"]) == (409, True)
    assert waiting.ended(run, ("completed", "failed"))["run"]["state"] == "completed"
    assert waiting.done("pay", "d80") == 1
