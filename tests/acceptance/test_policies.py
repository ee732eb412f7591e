"""The rules of an agent: hours, caps, lists, preconditions; each as an operator would try it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.acceptance.product import Product
from tests.acceptance.scripts import acts, turns
from tests.fake_provider import FakeProvider, text, tool_calls


def zone_where_it_is(hour: int) -> str:
    """A time zone in which this hour has begun. The names of these zones have the sign reversed."""
    ahead = (hour - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def window(zone: str) -> dict[str, Any]:
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    return {"windows": [{"days": days, "opens": "08:00", "closes": "18:00", "zone": zone}]}


def limited(product: Product, name: str, *names: str, rules: dict[str, Any] | None = None, **of: Any) -> str:
    """A new agent with rules; returns its slug."""
    slug = product.agent(name)
    body = product.body(slug, rules=rules or {}) | {
        "tools": [{"slot": "erp", "allow": [{"tool": tool, **of.get(tool, {})} for tool in names]}]
    }
    version = product.get(f"agents/{slug}/draft")["version"]
    saved = product.call("PUT", f"agents/{slug}/draft", json={"body": body, "version": version})
    assert saved.status_code == 200, saved.text
    number = product.post(f"agents/{slug}/revisions", {"reason": "bounds"})["number"]
    assert product.make_live(slug, number).status_code in (200, 201, 202, 204)
    return slug


def tool_steps(product: Product, run: str) -> list[dict[str, Any]]:
    return [step for step in product.steps(run) if step["kind"] == "tool"]


def test_d47_the_write_after_the_cap_is_refused_and_logged(product: Product, provider: FakeProvider):
    slug = limited(product, "d47", "post", rules={"caps": [{"most": 2, "per": "day", "tools": ["erp.post"]}]})
    provider.will(slug, acts("post"))
    runs = [product.run(slug, f"d47-{number}")["run"]["id"] for number in range(3)]
    words = "Volume cap active — 2 records processed."
    assert [tool_steps(product, run)[0]["reason"] for run in runs] == [None, None, words]
    assert [product.done("post", f"d47-{number}") for number in range(3)] == [1, 1, 0]
    lines = [json.loads(line) for line in product.log().splitlines() if line.startswith("{")]
    assert [line["run_id"] for line in lines if line["text"] == words] == [runs[2]]
    # The agent is told so.
    assert words in str([seen.body for seen in provider.requests if seen.model == slug][-1])


def test_d48_a_write_outside_its_hours_is_put_off_with_the_time_told(product: Product, provider: FakeProvider):
    zone = zone_where_it_is(20)
    slug = limited(product, "d48", "look", "post", rules=window(zone))
    provider.will(slug, acts("look", "post"))
    run = product.run(slug, "d48")["run"]
    assert (run["state"], run["waiting_for"], run["code"]) == ("waiting", "window", "outside_window")
    opens = datetime.fromisoformat(run["resume_at"])
    assert timedelta(hours=11) <= opens - datetime.now(UTC) <= timedelta(hours=12)
    assert (product.done("look", "d48"), product.done("post", "d48")) == (1, 0)
    assert tool_steps(product, run["id"])[1]["verdicts"][-1]["kind"] == "defer"
    assert product.call("POST", f"runs/{run['id']}:cancel", json={}).status_code == 204
    inside = limited(product, "d48-in", "post", rules=window(zone_where_it_is(12)))
    provider.will(inside, acts("post"))
    assert product.run(inside, "d48-in")["run"]["state"] == "completed"
    assert (product.done("post", "d48-in"), product.done("post", "d48")) == (1, 0)


def test_d50_a_domain_outside_the_list_is_refused(product: Product, provider: FakeProvider):
    allow = {"values": {"n": {"kind": "domain", "allow": ["example.com"]}}}
    slug = limited(product, "d50", "post", post=allow)
    provider.will(slug, acts("post"))
    for address, times in (("eve@evil.example", 0), ("ann@example.com.evil.example", 0), ("ann@mail.example.com", 1)):
        run = product.run(slug, address)["run"]
        assert (run["state"], product.done("post", address)) == ("completed", times)
        assert tool_steps(product, run["id"])[0]["code"] == (None if times else "value_not_allowed")


def test_d47_a_rule_that_could_not_hold_cannot_be_frozen(product: Product):
    slug = product.agent("d47-lint")
    body = product.body(slug, rules={"windows": [{"zone": "Europe/Atlantis"}]})
    version = product.get(f"agents/{slug}/draft")["version"]
    product.call("PUT", f"agents/{slug}/draft", json={"body": body, "version": version})
    refused = product.call("POST", f"agents/{slug}/revisions", json={"reason": "x"})
    assert refused.status_code == 422
    assert "unknown_zone" in refused.text


def test_d50_a_call_is_refused_before_its_precondition_holds(product: Product, provider: FakeProvider):
    need = {"requires": [{"tool": "erp.look", "result": {"ok.n": {"const": "pre"}}, "same": {"n": "args.n"}}]}
    slug = limited(product, "pre", "look", "post", post=need)
    look, other = tool_calls(("erp_look", {"n": "pre"})), tool_calls(("erp_look", {"n": "pre-other"}))
    post = tool_calls(("erp_post", {"n": "pre"}))
    for script, times in (((post, text("x")), 0), ((other, post, text("x")), 0), ((look, post, text("x")), 1)):
        provider.will(slug, turns(*script))
        assert product.run(slug, f"pre-{len(script)}-{times}")["run"]["state"] == "completed"
        assert product.done("post", "pre") == times
    # What succeeded in another run does not count here.
    provider.will(slug, turns(post, text("x")))
    run = product.run(slug, "pre-again")["run"]["id"]
    assert (tool_steps(product, run)[0]["code"], product.done("post", "pre")) == ("precondition_unmet", 1)


def test_d47_a_rate_is_a_cap_per_minute(product: Product, provider: FakeProvider):
    slug = limited(product, "pre-rate", "post", rules={"caps": [{"most": 1, "per": "minute"}]})
    provider.will(slug, turns(tool_calls(("erp_post", {"n": "r1"}), ("erp_post", {"n": "r2"})), text("done")))
    # The minute may turn between two runs, never within one turn of one run for long.
    runs = [product.run(slug, f"pre-rate-{number}")["run"]["id"] for number in range(3)]
    refused = [step for run in runs for step in tool_steps(product, run) if step["code"] == "volume_cap"]
    assert len(refused) >= 3
    assert product.done("post", "r1") + product.done("post", "r2") == 6 - len(refused)
