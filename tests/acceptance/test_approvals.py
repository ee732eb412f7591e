"""People are asked before a call: held, shown, answered, bound to exactly what was agreed to."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx2
import pytest

from tests.acceptance.product import Product, until
from tests.acceptance.scripts import acts, turns
from tests.acceptance.test_access import product_copy
from tests.fake_provider import FakeProvider, text, tool_calls

_NUMBER = count(1)
GATE: dict[str, Any] = {
    "name": "payments", "effects": ["irreversible"], "title": "Pay {{args.n}}", "self_approval": "allowed",
}  # fmt: skip


@dataclass
class Approver:
    """A member who came by an invitation's link and is signed in."""

    id: str
    product: Product
    client: httpx2.Client

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.client.request(method, f"{self.product.address}/v1/{self.product.workspace}/{path}", **more)

    def get(self, path: str, **params: Any) -> Any:
        found = self.call("GET", path, params=params)
        assert found.status_code == 200, found.text
        return found.json()

    def say(self, request: str, verb: str, **body: Any) -> httpx2.Response:
        return self.call("POST", f"approvals/{request}:{verb}", json=body)

    def sit(self, slug: str) -> None:
        """Take the seat of an approver of this agent."""
        seated = self.product.call("PUT", f"agents/{slug}/owners/approver/{self.id}", json={})
        assert seated.status_code == 200, seated.text
        assert self.call("POST", f"agents/{slug}/owners/approver:accept").status_code == 200


def invited(product: Product, name: str, client: httpx2.Client, role: str = "member") -> Approver:
    email = f"{name.lower()}-{next(_NUMBER)}@example.com"
    made = product.post("members", {"email": email, "name": name, "role": role})["id"]
    path = product.post(f"members/{made}:link", {"purpose": "invitation"})["path"]
    words = "four plain words together"
    entered = client.post(f"{product.address}{path}", data={"password": words, "again": words})
    assert entered.status_code == 303, entered.text
    return Approver(made, product, client)


@pytest.fixture(scope="module")
def two(product: Product) -> Generator[tuple[Approver, Approver]]:
    """Ada and Ben."""
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": product.address}
    with httpx2.Client(headers=headers, timeout=60) as one, httpx2.Client(headers=headers, timeout=60) as other:
        yield invited(product, "Ada", one), invited(product, "Ben", other)


def gated(product: Product, name: str, *approvers: Approver, tools: tuple[str, ...] = ("pay",), **gate: Any) -> str:
    """An agent whose payments meet a gate of these approvers."""
    slug = product.agent(name, tools=tools, gates=[{**GATE, **gate}])
    for approver in approvers:
        approver.sit(slug)
    return slug


def parked(product: Product, slug: str, given: str) -> tuple[str, list[dict[str, Any]]]:
    """Start a run that must wait for people; return it, and what it asks."""
    found = product.run(slug, given)["run"]
    assert (found["state"], found["waiting_for"]) == ("waiting", "approval"), found
    return found["id"], product.get("approvals", run=found["id"])["items"]


def asked_next(product: Product, run: str) -> list[dict[str, Any]]:
    """What a run asks in its second leg, once it waits for that."""

    def look() -> list[dict[str, Any]]:
        found = product.record(run)["run"]
        is_there = found["leg"] == 2 and found["waiting_for"] == "approval"
        return product.get("approvals", run=run)["items"] if is_there else []

    return until(look, "the run to ask again")


def tool_answers(provider: FakeProvider, slug: str) -> list[str]:
    """What the model was answered by its tools, as of its last call."""
    body = [seen.body for seen in provider.requests if seen.model == slug][-1]
    return [str(message["content"]) for message in body["messages"] if message["role"] == "tool"]


def test_d72_f84_approved_it_goes_on_with_the_original_arguments(
    product: Product, provider: FakeProvider, two: tuple[Approver, Approver]
):
    ada, _ = two
    slug = gated(product, "d72", ada)
    provider.will(slug, acts("pay"))
    run, (asked,) = parked(product, slug, "d72")
    assert product.done("pay", "d72") == 0
    assert (asked["title"], asked["tool"], asked["gate"]) == ("Pay d72", "erp.pay", "payments")
    assert ada.get("approvals:counts")["mine"] >= 1
    said = ada.say(asked["id"], "approve")
    assert (said.status_code, said.json()["state"], said.json()["is_resumed"]) == (200, "approved", True)
    found = product.ended(run, ("completed", "failed"))
    assert found["run"]["state"] == "completed", found["run"]
    assert product.done("pay", "d72") == 1
    (line,) = [line for line in product.ledger("pay") if line["args"]["n"] == "d72"]
    assert line["args"] == {"n": "d72"}


def test_d72_f85_denied_with_a_reason_the_model_reads_it_and_the_tool_is_not_called(
    product: Product, provider: FakeProvider, two: tuple[Approver, Approver]
):
    ada, _ = two
    slug = gated(product, "f85", ada)
    provider.will(slug, acts("pay", then="I did something else."))
    run, (asked,) = parked(product, slug, "f85")
    assert ada.say(asked["id"], "deny", reason="It was paid on Monday.").status_code == 200
    found = product.ended(run, ("completed", "failed"))
    assert (found["run"]["state"], found["output"].strip()) == ("completed", "I did something else.")
    assert product.done("pay", "f85") == 0
    (answer,) = tool_answers(provider, slug)
    assert "It was paid on Monday." in answer


def test_d73_several_choices_are_kept_and_told_as_a_list(
    product: Product, provider: FakeProvider, two: tuple[Approver, Approver]
):
    ada, _ = two
    slug = product.agent("d73", asking={"questions": True})
    ada.sit(slug)
    asked = {"questions": [
        {"question": "Which?", "options": ["red", "green", "blue"], "is_multiple": True},
        {"question": "One?", "options": ["yes", "no"]},
    ]}  # fmt: skip
    provider.will(slug, turns(tool_calls(("ask_person", asked)), text("thanks")))
    run = product.run(slug, "d73")["run"]
    assert (run["state"], run["waiting_for"]) == ("waiting", "question")
    (request,) = product.get("approvals", run=run["id"])["items"]
    both = [{"options": ["red", "blue"]}, {"options": ["yes", "no"]}]
    assert ada.say(request["id"], "answer", answers=both).status_code == 422
    fits = [{"options": ["red", "blue"]}, {"options": ["no"]}]
    assert ada.say(request["id"], "answer", answers=fits).status_code == 200
    assert product.ended(run["id"], ("completed", "failed"))["run"]["state"] == "completed"
    kept = product.get(f"approvals/{request['id']}")["decision"]["answers"]
    assert [one["options"] for one in kept] == [["red", "blue"], ["no"]]
    assert [one["options"] for one in json.loads(tool_answers(provider, slug)[-1])] == [["red", "blue"], ["no"]]


def test_d74_a_login_that_was_provided_resumes_the_run(
    product: Product, provider: FakeProvider, two: tuple[Approver, Approver]
):
    ada, _ = two
    slug = product.agent("d74", tools=("look",), asking={"logins": True})
    ada.sit(slug)
    wanted = {"connection": "erp", "reason": "It answers 401."}
    provider.will(
        slug, turns(tool_calls(("request_login", wanted)), tool_calls(("erp_look", {"n": "d74"})), text("ok"))
    )
    run = product.run(slug, "d74")["run"]
    assert (run["state"], run["waiting_for"]) == ("waiting", "login")
    (request,) = product.get("approvals", run=run["id"])["items"]
    assert request["title"] == "Set up the login of erp"
    assert ada.say(request["id"], "answer", reason="Signed in.").status_code == 200
    assert product.ended(run["id"], ("completed", "failed"))["run"]["state"] == "completed"
    assert product.done("look", "d74") == 1


def test_d75_two_of_two_must_agree(product: Product, provider: FakeProvider, two: tuple[Approver, Approver]):
    ada, ben = two
    slug = gated(product, "d75", ada, ben, quorum=2)
    provider.will(slug, acts("pay"))
    run, (asked,) = parked(product, slug, "d75")
    first = ada.say(asked["id"], "approve").json()
    assert (first["state"], first["votes"], first["quorum"]) == ("pending", 1, 2)
    again = ada.say(asked["id"], "approve")
    assert (again.status_code, again.json()["code"]) == (409, "answered_before")
    assert (product.state(run), product.done("pay", "d75")) == ("waiting", 0)
    assert ben.say(asked["id"], "approve").json()["state"] == "approved"
    assert product.ended(run, ("completed", "failed"))["run"]["state"] == "completed"
    assert product.done("pay", "d75") == 1


def test_d76_a_request_without_what_people_decide_by_is_not_made(
    product: Product, provider: FakeProvider, two: tuple[Approver, Approver]
):
    ada, _ = two
    slug = gated(product, "d76", ada, required=["n"])
    provider.will(slug, turns(tool_calls(("erp_pay", {"n": ""})), tool_calls(("erp_pay", {"n": "d76"})), text("ok")))
    run, (asked,) = parked(product, slug, "go")
    assert asked["title"] == "Pay d76"
    refused = [step for step in product.steps(run) if step["code"] == "approval_incomplete"]
    assert len(refused) == 1
    assert "without n" in refused[0]["reason"]
    card = product.get(f"approvals/{asked['id']}")["card"]
    assert {badge["kind"] for badge in card["badges"]} >= {"effect", "reversibility", "outside"}
    assert [(one["name"], one["text"]) for one in card["arguments"]] == [("n", "d76")]


def test_d78_d79_a_reason_is_wanted_and_the_second_denial_ends_the_run_as_denied(
    product: Product, provider: FakeProvider, two: tuple[Approver, Approver]
):
    ada, _ = two
    slug = gated(product, "d78", ada, reason_codes=["duplicate", "wrong"])
    provider.will(slug, acts("pay", "pay", then="never said"))
    run, (asked,) = parked(product, slug, "d78")
    refused = ada.say(asked["id"], "deny")
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["reason"])
    assert ada.say(asked["id"], "deny", reason="x", reason_code="mood").status_code == 422
    assert ada.say(asked["id"], "deny", reason="Paid already.", reason_code="duplicate").status_code == 200
    kept = product.get(f"approvals/{asked['id']}")
    assert (kept["row"]["reason"], kept["reason_code"]) == ("Paid already.", "duplicate")
    (again,) = asked_next(product, run)
    assert ada.say(again["id"], "deny", reason="Still paid.").status_code == 200
    ended = product.ended(run, ("completed", "failed"))["run"]
    assert (ended["state"], ended["code"], product.done("pay", "d78")) == ("failed", "denied", 0)
    alerts = [one for one in product.get("alerts")["items"] if one["kind"] == "approval_denied_again"]
    assert any(run in one["text"] for one in alerts)


def test_d85_other_arguments_after_the_approval_need_another_one(
    product: Product, provider: FakeProvider, two: tuple[Approver, Approver]
):
    ada, _ = two
    slug = gated(product, "d85", ada)
    calls = [tool_calls(("erp_pay", {"n": n})) for n in ("d85-500", "d85-5000")]
    provider.will(slug, turns(*calls, text("ok")))
    run, (first,) = parked(product, slug, "go")
    assert ada.say(first["id"], "approve").status_code == 200
    (second,) = asked_next(product, run)
    assert (second["title"], second["id"] != first["id"]) == ("Pay d85-5000", True)
    assert [product.done("pay", n) for n in ("d85-500", "d85-5000")] == [1, 0]
    detail = product.get(f"approvals/{second['id']}")
    assert detail["card"]["changes"] == [{"name": "n", "before": "d85-500", "after": "d85-5000"}]


def test_d80_the_first_answer_stands_and_the_second_is_told_who_was_first(
    product: Product, provider: FakeProvider, two: tuple[Approver, Approver]
):
    ada, ben = two
    slug = gated(product, "d80", ada, ben)
    provider.will(slug, acts("pay"))
    _, (asked,) = parked(product, slug, "d80")
    for approver in two:
        assert asked["id"] in {one["id"] for one in approver.get("approvals", mine=True)["items"]}
    assert ada.say(asked["id"], "approve").status_code == 200
    late = ben.say(asked["id"], "deny", reason="no")
    assert (late.status_code, late.json()["code"], late.json()["by"]) == (409, "answered_already", "Ada")
    assert asked["id"] not in {one["id"] for one in ben.get("approvals", mine=True)["items"]}


def test_f87_an_altered_row_of_the_record_of_decisions_is_found(
    product: Product, provider: FakeProvider, two: tuple[Approver, Approver], own_product: Callable[..., Product]
):
    ada, _ = two
    slug = gated(product, "f87", ada)
    provider.will(slug, acts("pay"))
    run, (asked,) = parked(product, slug, "f87")
    ada.say(asked["id"], "approve")
    product.ended(run, ("completed", "failed"))
    copy = own_product()
    shutil.rmtree(copy.data)
    product_copy(product, copy)
    copy.cli("audit", "verify", *product.here)
    with sqlite3.connect(copy.data / "signoff.sqlite") as database:
        triggers = "select name from sqlite_master where type = 'trigger' and tbl_name = 'audit'"
        for (name,) in database.execute(triggers).fetchall():
            database.execute(f"drop trigger {name}")
        of_it = "action = 'approval.approved' and object_id = ?"
        ((seq,),) = database.execute(f"select seq from audit where {of_it}", (asked["id"],)).fetchall()
        database.execute(f"update audit set actor_name = 'Ben' where {of_it}", (asked["id"],))
    told = json.loads(copy.cli("audit", "verify", "--json", *product.here, code=1).stdout)
    assert told["first_broken_seq"] == seq


def test_f88_who_answers_is_the_caller_and_no_name_in_the_body(
    product: Product, provider: FakeProvider, two: tuple[Approver, Approver]
):
    ada, ben = two
    slug = gated(product, "f88", ada)
    provider.will(slug, acts("pay"))
    _, (asked,) = parked(product, slug, "f88")
    named = ada.call("POST", f"approvals/{asked['id']}:approve", json={"approver": "Ben", "decided_by": ben.id})
    assert named.status_code == 422
    # An administrator's key is nobody who was asked, whatever it may do.
    for caller in (product.call("POST", f"approvals/{asked['id']}:approve", json={}), ben.say(asked["id"], "approve")):
        assert caller.status_code in (403, 404), caller.text
    # Nor is somebody who could have been asked, and was not: Ben became an approver a moment too late.
    ben.sit(slug)
    assert ben.say(asked["id"], "approve").status_code in (403, 404)
    assert ada.say(asked["id"], "approve").status_code == 200
    (row,) = [
        one for one in product.get("audit", action="approval.approved")["items"] if one["object_id"] == asked["id"]
    ]
    assert (row["actor_id"], row["actor_name"]) == (ada.id, "Ada")


def test_c37_what_cannot_be_undone_does_not_go_live_without_a_gate(product: Product):
    slug = product.agent("c37", tools=("pay",))
    assert product.get(f"agents/{slug}/revisions/1")["facts"]["number"] == 1
    refused = product.make_live(slug, 1)
    assert (refused.status_code, refused.json()["code"]) == (409, "gate_missing")
    assert refused.json()["tools"] == ["erp.pay"]
    assert product.call("POST", f"agents/{slug}:execute", json={"input": "x"}).status_code >= 400
    never = product.revise(slug, tools=("pay",), gates=[{**GATE, "unless": {"n": {}}}])
    assert product.make_live(slug, never).json()["code"] == "gate_missing"
    covered = product.revise(slug, tools=("pay",), gates=[GATE])
    assert product.make_live(slug, covered).status_code == 200
