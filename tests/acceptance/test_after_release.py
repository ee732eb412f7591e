"""What follows a release: its connections at the switch, the first week, reviews, and what widens it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.acceptance.product import Product, free_port, until
from tests.acceptance.releasing import ask, evidence, kept_back_by, serving, tell_only


@contextmanager
def bank(product: Product) -> Generator[int]:
    """A second outside system, over HTTP, for as long as the block goes on; its port."""
    port = free_port()
    server = Path(__file__).with_name("ledger_http.py")
    running = subprocess.Popen([sys.executable, str(server), str(product.folder / "bank.jsonl"), str(port)])

    def answers() -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{port}/mcp", timeout=5).status_code > 0
        except httpx2.HTTPError:
            return False

    try:
        until(answers, "the bank to answer")
        yield port
    finally:
        running.kill()
        running.wait()


def two_systems(product: Product, port: int) -> dict[str, Any]:
    """The tools of an agent that uses the ledger and the bank, both connected and working."""
    made = product.post(
        "connections",
        {"environment": "production", "slug": "bank", "name": "Bank", "kind": "mcp_http",
         "config": {"url": f"http://127.0.0.1:{port}/mcp"}},
    )["id"]  # fmt: skip
    assert product.post(f"connections/{made}:discover")["ok"] is True
    product.post(f"connections/{made}/tools/balance:effect", {"effect": "read"})
    return {"tools": ("look",), "slots": [{"slot": "bank", "allow": [{"tool": "balance"}]}]}


def test_f17_a_release_with_a_broken_connection_succeeds_with_a_failed_row_and_a_count_of_one(product: Product):
    tell_only(product)
    with bank(product) as port:
        body = two_systems(product, port)
        slug = product.agent("f17", sop="old", **body)
        product.revise(slug, sop="new", **body)
    made = ask(product, slug, 2)  # The bank is gone since.
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["activations_failed"], {one["slot"]: one["state"] for one in told["activations"]}) == (
        1, {"bank": "failed", "erp": "ok"},
    )  # fmt: skip
    kept = product.get(f"releases/{told['id']}")
    failed = next(one for one in kept["activations"] if one["state"] == "failed")
    assert (failed["name"], failed["kind"], bool(failed["error"]), bool(failed["code"])) == (
        "Bank", "mcp_http", True, True,
    )  # fmt: skip
    assert all(one["seconds"] is not None and one["at"] for one in kept["activations"])
    assert (kept["facts"]["activations_failed"], kept["facts"]["state"]) == (1, "watching")
    assert serving(product, slug) == 2
    listed = product.get(f"agents/{slug}/releases")["items"]
    assert [one["activations_failed"] for one in listed] == [1]


def a_day_passes(product: Product, slug: str, days: int = 1) -> None:
    """Let everything that is known of an agent lie so many days further back: nobody waits for days. The engine looks
    at once."""
    with sqlite3.connect(product.data / "signoff.sqlite", timeout=60) as database:
        agent = database.execute("select id from agents where slug = ?", (slug,)).fetchone()[0]

        def back(table: str, *columns: str) -> None:
            for column in columns:
                moved = f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '-{days} days')"
                database.execute(f"update {table} set {column} = {moved} where agent_id = ?", (agent,))

        back("signals", "ended_at")
        back("follow_ups", "live_at", "state_since", "first_review_at", "next_review_at")
        back("reviews", "made_at", "due_at", "period_from", "period_until")
        of_it = "follow_up_id in (select id from follow_ups where agent_id = ?)"
        for (day,) in database.execute(
            f"select day from follow_up_days where {of_it} order by day", (agent,)
        ).fetchall():
            database.execute(
                f"update follow_up_days set day = date(day, '-{days} days') where day = ? and {of_it}", (day, agent)
            )
        database.execute(
            f"update follow_ups set counted_from = date(counted_from, '-{days} days'), "
            f"judged_until = date(judged_until, '-{days} days'), due_at = '2000-01-01 00:00:00.000000' "
            "where agent_id = ?",
            (agent,),
        )
        # A live revision that was switched "today" would begin the count anew only if it is another one.


def followed(product: Product, slug: str) -> dict[str, Any]:
    """How the agent is followed, once the engine has begun."""

    def look() -> dict[str, Any]:
        answer = product.call("GET", f"agents/{slug}/follow-up")
        return answer.json() if answer.status_code == 200 else {}

    return until(look, "the engine to follow the agent")


def judged(product: Product, slug: str, days: int) -> dict[str, Any]:
    """Wait until so many days are judged."""

    def look() -> dict[str, Any]:
        found = followed(product, slug)
        return found if sum(day["verdict"] is not None for day in found["days"]) >= days else {}

    return until(look, f"{days} judged days")


def ran(product: Product, slug: str, number: int = 3) -> list[str]:
    """Real runs that end today, and are on the books."""
    made = [product.run(slug)["run"]["id"] for _ in range(number)]
    sample = until(lambda: len(followed(product, slug)["to_read"][0]["runs"]) >= number, "the runs to be told of")
    assert sample
    return made


def said(product: Product, slug: str, runs: list[str], reading: str = "right", note: str = "") -> None:
    """A named person has read these."""
    body = {"environment": "production", "reading": reading, "runs": runs, "note": note}
    answer = product.call("POST", f"agents/{slug}/follow-up:read", json=body)
    assert answer.status_code == 200, answer.text


def test_d119_only_three_good_days_in_a_row_end_the_first_week(product: Product):
    slug = product.agent("d119")
    assert followed(product, slug)["state"] == "first_week"
    said(product, slug, ran(product, slug))
    a_day_passes(product, slug)
    assert judged(product, slug, 1)["good_days"] == 1
    said(product, slug, ran(product, slug), "wrong", "It answers in the wrong language.")
    a_day_passes(product, slug)
    found = judged(product, slug, 2)
    assert (found["state"], found["good_days"], [day["verdict"] for day in found["days"] if day["verdict"]]) == (
        "first_week", 0, ["bad", "good"],
    )  # fmt: skip
    told = [one["text"] for one in product.get("alerts", agent=slug)["items"] if one["kind"] == "first_week_bad_day"]
    assert len(told) == 1
    assert "wrong language" in told[0]
    for good in (1, 2):
        said(product, slug, ran(product, slug))
        a_day_passes(product, slug)
        found = judged(product, slug, 2 + good)
        assert (found["state"], found["good_days"]) == ("first_week", good)
    a_day_passes(product, slug)  # A day on which nothing ran.
    assert judged(product, slug, 5)["good_days"] == 2
    said(product, slug, ran(product, slug))
    a_day_passes(product, slug)
    found = judged(product, slug, 6)
    assert (found["state"], found["ended_how"], found["good_days"]) == ("routine", "graduated", 3)
    items = {item["id"] for item in found["days"][0]["items"]}
    assert items == {"failed", "needs_input", "cost", "duration", "answered", "alerts", "volume", "read"}


def test_d120_after_thirty_days_and_each_week_a_review_is_made_with_its_metrics(product: Product):
    slug = product.agent("d120")
    followed(product, slug)
    said(product, slug, ran(product, slug))
    ended = product.call(
        "POST",
        f"agents/{slug}/follow-up:end",
        json={"environment": "production", "reason": "It replaces a proven one."},
    )
    assert ended.status_code == 200, ended.text
    for _ in range(2):
        product.run(slug)

    def made() -> dict[str, dict[str, Any]]:
        return {one["kind"]: one for one in product.get("reviews", agent=slug, open="true")["items"]}

    assert made() == {}
    a_day_passes(product, slug, 7)
    weekly = until(lambda: made().get("weekly", {}), "the weekly review")
    metrics = weekly["metrics"]
    assert (metrics["runs"], metrics["failed"], metrics["error_percent"]) == (2, 0, 0.0)
    assert metrics["cost_per_run_usd"] > 0
    assert {"denied_percent", "seconds_mean", "runs_per_day", "runs_per_day_expected", "before"} <= set(metrics)
    done = product.call("POST", f"reviews/{weekly['id']}:done", json={"note": "Well; nothing to change."})
    assert done.status_code == 200, done.text
    assert product.get(f"reviews/{weekly['id']}")["note"] == "Well; nothing to change."
    a_day_passes(product, slug, 23)
    first = until(lambda: made().get("first", {}), "the review of its first month")
    assert (first["metrics"]["runs"], first["metrics"]["before"]["runs"], first["is_overdue"]) == (5, 5, False)
    a_day_passes(product, slug, 8)
    told = until(
        lambda: [one for one in product.get("alerts", agent=slug)["items"] if one["kind"] == "review_overdue"],
        "the alert of an overdue review",
    )
    assert "first review" in " ".join(one["text"] for one in told)


def test_c42_what_reaches_further_is_blocked_until_four_weeks_were_on_target(product: Product):
    tell_only(product, "expansion.on_target")
    slug = product.agent("c42", sop="old", tools=("look",))
    product.revise(slug, sop="new", tools=("look", "post"))
    product.revise(slug, sop="other words", tools=("look",))
    assert kept_back_by(product, slug, 3) == {}  # It reaches no further.
    assert serving(product, slug) == 3
    for week in range(4):
        (measured,) = kept_back_by(product, slug, 2).values()
        assert "It widens: it may act with erp.post." in measured
        assert (f"On target for {week} week" in measured) == bool(week)
        a_week_passes(product, slug)
    found = evidence(product, slug, revision="2")["expansion.on_target"]
    assert (found["status"], found["severity"]) == ("true", "block")
    assert kept_back_by(product, slug, 2) == {}
    assert serving(product, slug) == 2


def a_week_passes(product: Product, slug: str) -> None:
    """Let the runs of an agent have ended a week earlier, and one more end now and be on the books."""
    of_it = "agent_id = (select id from agents where slug = ?)"
    with sqlite3.connect(product.data / "signoff.sqlite", timeout=60) as database:
        moved = "strftime('%Y-%m-%d %H:%M:%f000', ended_at, '-7 days')"
        database.execute(f"update signals set ended_at = {moved} where {of_it}", (slug,))
    run = product.run(slug)["run"]["id"]

    def is_booked() -> bool:
        with sqlite3.connect(product.data / "signoff.sqlite", timeout=60) as database:
            return bool(database.execute("select count(*) from signals where run_id = ?", (run,)).fetchone()[0])

    until(is_booked, "the run to be on the books")
