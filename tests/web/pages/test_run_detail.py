"""The page of one run: its states, its steps, its buttons, and what it tells while the run happens."""

from __future__ import annotations

import http.client
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from signoff.record import trace
from signoff.runs import actions
from signoff.tables.runs import Effect, Run, Step
from signoff.web.filters import money
from tests.kit_server import serving
from tests.web import seed as seeding
from tests.web.kit_pages import HTMX
from tests.web.pages import kit_runs
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions


def add(site: Site, title: str, state: str = "completed", *, steps: int = 0, **more: Any) -> str:
    with site.store.write() as session:
        made = seeding.run(session, site.seeded, site.seeded.agents["supplier-mail"], title, state, **more)
        if steps:
            kit_runs.history(session, made, models=steps)
    return made


def show(site: Site, run_id: str, query: str = "", who: str = "mei") -> str:
    answer = site.browser(who).get(f"{site.base}/runs/{run_id}{query}")
    assert answer.status_code == 200, answer.text[:500]
    return answer.text


def row_of(site: Site, run_id: str) -> Run:
    with site.store.read() as session:
        return session.get_one(Run, run_id)


def steps_of(site: Site, run_id: str) -> list[Step]:
    with site.store.read() as session:
        return session.query(Step).filter_by(run_id=run_id).order_by(Step.seq).all()


STATES: tuple[tuple[str, dict[str, Any], list[str]], ...] = (
    ("queued", {}, ["Queued", "Waiting for a worker", "Cancel this run"]),
    ("running", {}, ["Running", "Waiting for the first step"]),
    ("running", {"is_cancel_requested": True}, ["This run is being cancelled"]),
    ("waiting", {"waiting_for": "provider", "reason": "It is away."}, ["It is away.", "tries again by itself"]),
    ("waiting", {"waiting_for": "window", "reason": "Not now.", "resume_at": datetime(2026, 11, 30, 7, tzinfo=UTC)},
     ["Waits for its window", "Goes on", "2026-11-30T07:00:00", "goes on by itself at its time", "for its time"]),
    ("waiting", {"waiting_for": "budget", "reason": "Spent."}, ["Out of budget", "raises the budget of the run"]),
    ("completed", {"output": {"action": "posted"}}, ["Completed", "This run ended before it did anything"]),
    ("completed", {"code": "answer_cut_off", "reason": "It reached 99 tokens."},
     ["The end of this answer is missing", "It reached 99 tokens.", "answer at more length"]),
    ("failed", {"code": "turn_limit", "reason": "All 15 turns."}, ["All 15 turns.", "Raise the limit", "Acknowledge"]),
    ("failed", {"code": "tokens_exceeded", "reason": "All tokens."}, ["All tokens.", "Raise the limit of tokens"]),
    ("failed", {"code": "day_budget_exceeded", "reason": "All spent."}, ["All spent.", "Raise the cap of the agent"]),
    ("failed", {"code": "connector_timeout", "reason": "No answer."}, ["Check the connection", "/connections"]),
    ("cancelled", {"reason": "Cancelled by Mei."}, ["Cancelled by Mei.", "Run it again if it is still wanted"]),
    ("rejected", {"code": "agent_disabled", "reason": "Disabled."}, ["This run was not taken", "Enable the agent"]),
)  # fmt: skip


@pytest.mark.parametrize(("state", "more", "words"), STATES)
def test_every_state_says_why_and_what_next(site: Site, state: str, more: dict[str, Any], words: list[str]):
    html = show(site, add(site, "A bill", state, **more))
    for word in words:
        assert word in html
    assert ("hx-sse:connect" in html) == (state in ("queued", "running", "waiting"))


def test_the_head_says_what_the_run_is(site: Site):
    run_id = add(site, "A bill", mode="sandbox", origin="test", source="api", is_truncated=True, is_price_unknown=True)
    html = show(site, run_id)
    for word in (
        "Sandbox: writes are simulated",
        "Scripted model",
        "Input was shortened",
        "Test",
        "API",
        "price unknown",
    ):
        assert word in html
    assert f'id="run-id" aria-current="page">{run_id}</code>' in html


def test_another_revision_is_live_now(site: Site):
    html = show(site, add(site, "A bill", revision=3))
    assert "This ran on revision 3. Production is served by revision 2 now." in html
    assert "/agents/supplier-mail/diff?from=3&amp;to=2" in html or "/agents/supplier-mail/diff?from=3&to=2" in html
    assert "is served by revision" not in show(site, add(site, "A bill", revision=2))


def test_agents_that_work_together_are_shown_with_their_costs_and_lead_to_each_other(site: Site):
    parent = add(site, "Answer the mail", "waiting", waiting_for="sub_agent", reason="Another agent works on it.",
                 cost_usd=Decimal("0.20"), child_runs=1)  # fmt: skip
    child = add(site, "Look the order up", "waiting", waiting_for="question", reason="It asked.",
                cost_usd=Decimal("0.05"), parent_run_id=parent, root_run_id=parent, depth=1)  # fmt: skip
    page = show(site, parent)
    assert "Waits for another agent" in page
    assert f'/runs/{child}">Look the order up' in page
    assert "Has a question" in page
    assert f"{money(Decimal('0.25'))} in all" in page
    below = show(site, child)
    assert f'/runs/{parent}">Answer the mail' in below
    assert "Agents that work together" in below
    assert "Agents that work together" not in show(site, add(site, "Alone"))


def test_the_waterfall_lists_the_steps_and_the_last_is_open(site: Site):
    run_id = add(site, "A bill", steps=3)
    html = show(site, run_id)
    assert re.findall(r'class="nm cut">([^<]*)<', html) == [
        "Model call 1", "erp.post_bill", "Model call 2", "erp.post_bill", "Model call 3",
    ]  # fmt: skip
    assert 'aria-current="step"' in html
    assert '<h3 class="cut">Model call 3</h3>' in html


def test_a_model_step_shows_prompt_answer_and_cost(site: Site):
    run_id = add(site, "A bill", steps=2)
    step = steps_of(site, run_id)[-1]
    html = show(site, run_id, f"?step={step.id}")
    for word in (
        "openai:gpt-5",
        "Handle one e-mail from the accounts-payable inbox",
        "Asks for erp_post_bill",
        "erp_post_bill answers",
        "<strong>matching</strong>",
        "812 in, 96 out",
        "$0.0042",
        "all allowed it",
    ):
        assert word in html
    assert "3 messages" in html


def test_a_cost_that_is_an_estimate_is_called_one(site: Site):
    run_id = add(site, "A bill", "failed", code="deadline_passed", reason="Out of time.", cost_usd=Decimal(0))
    with site.store.write() as session:
        run = session.get_one(Run, run_id)
        kit_runs.model_step(session, run, "m:1:1", None, detail={"is_cost_estimated": True}, cost_usd=Decimal("0.25"))
    html = show(site, run_id)
    assert "$0.250, estimated" in html
    assert "Cost is estimated" in html


def test_messages_are_paged(site: Site):
    run_id = add(site, "A bill", steps=16)
    step = steps_of(site, run_id)[-1]
    html = show(site, run_id, f"?step={step.id}")
    assert "12 to 31 of 31 messages" in html
    earlier = re.search(r'class="link small" href="([^"]*from=0[^"]*)"', html)
    assert earlier is not None
    first = site.browser().get(earlier[1].replace("&amp;", "&"), headers=HTMX).text
    assert "1 to 20 of 31 messages" in first
    assert "Later messages" in first
    assert "<html" not in first


def test_attempts_say_who_failed_and_who_answered(site: Site):
    run_id = add(site, "A bill")
    attempts = [
        {"model": "openai:gpt-5", "seconds": 30.0, "code": "provider_timed_out", "error": "OpenAI did not answer."},
        {"model": "anthropic:claude", "seconds": 2.0},
    ]
    with site.store.write() as session:
        run = session.get_one(Run, run_id)
        kit_runs.model_step(session, run, "m:1:1", None, model="anthropic:claude", detail={"attempts": attempts})
    html = show(site, run_id)
    for word in (
        "OpenAI did not answer.",
        "provider_timed_out",
        "30.0 s",
        "openai:gpt-5 was asked, anthropic:claude answered",
    ):
        assert word in html


def test_a_refused_call_says_which_policy_and_why(site: Site):
    run_id = add(site, "A bill", "failed", failed_step="erp.void_bill", reason="Not granted.")
    refusal = {"policy": "grant", "kind": "deny", "reason": "erp.void_bill is not allowed."}
    more: dict[str, Any] = {"state": "refused", "verdicts": [*kit_runs.ALLOWED[:1], refusal], "response": None}
    with site.store.write() as session:
        run = session.get_one(Run, run_id)
        kit_runs.tool_step(session, run, "c1", "erp.void_bill", {"bill": "B-1"}, **more)
        kit_runs.model_step(session, run, "m:1:2", None)
    html = show(site, run_id)
    assert '<h3 class="cut">erp.void_bill</h3>' in html  # What failed is open, not what came last.
    assert "It was not done: a policy refused it" in html
    assert "Grant: erp.void_bill is not allowed." in html


def test_an_act_of_unknown_outcome_leads_to_its_settlement(site: Site):
    with site.store.write() as session:
        run_id, key = kit_runs.unknown_effect(session, site.seeded)
    html = show(site, run_id)
    assert f'href="{site.base}/reconciliation/{key}"' in html
    assert "Nobody knows whether this happened" in html
    assert "waits for a person to settle an act" in html


@pytest.mark.parametrize(
    ("settlement", "words"), [("happened", "It happened"), ("did_not_happen", "It did not happen")]
)
def test_an_act_that_was_settled_is_no_longer_one_that_nobody_knows_of(site: Site, settlement: str, words: str):
    with site.store.write() as session:
        run_id, key = kit_runs.unknown_effect(session, site.seeded)
        act = session.get_one(Effect, key)
        act.state, act.settlement, act.settled_by_name = "settled", settlement, "Ann Owner"
    html = show(site, run_id)
    assert "Nobody knows whether this happened" not in html
    assert words in html
    assert "Ann Owner looked and settled it" in html


def test_untrusted_text_is_only_text(site: Site):
    evil = "<script>alert(1)</script>"
    run_id = add(site, evil, output={"reason": evil, evil: [evil]}, input=evil)
    with site.store.write() as session:
        run = session.get_one(Run, run_id)
        answer = {"kind": "response", "parts": [{"part_kind": "text", "content": f"{evil} [x](javascript:alert(1))"}]}
        kit_runs.model_step(session, run, "m:1:1", answer, state="failed", reason=evil)
        kit_runs.tool_step(session, run, "c1", "erp.post_bill", {evil: evil}, response={evil: evil})
    first, second = steps_of(site, run_id)
    for query in (f"?step={first.id}", f"?step={second.id}", "?tab=output", "?tab=input", "?tab=audit"):
        html = show(site, run_id, query)
        assert evil not in html
        assert 'href="javascript:' not in html
    assert "&lt;script&gt;alert(1)" in show(site, run_id, "?tab=output")


@pytest.mark.parametrize(
    "body",
    [
        None,
        7,
        "text",
        [],
        {"parts": "odd"},
        {"parts": [None, 3, {"part_kind": "new", "x": 1}]},
        {"parts": [{"part_kind": "tool-call", "args": "{broken"}]},
        # Half a character and a NUL, once the text is read as JSON.
        {"parts": [{"part_kind": "tool-call", "args": '{"n": "\\u0000\\ud800"}'}]},
        {"parts": [{"part_kind": "text", "content": '{"n": "\\ud800"}'}]},
    ],
)
def test_an_odd_answer_is_shown_not_an_error(site: Site, body: Any):
    run_id = add(site, "Odd")
    with site.store.write() as session:
        kit_runs.model_step(session, session.get_one(Run, run_id), "m:1:1", body, detail={"attempts": "odd"})
    assert "Model call 1" in show(site, run_id)


def test_output_as_table_as_text_and_none(site: Site):
    html = show(
        site, add(site, "A", output={"action": "posted", "ok": True, "amount": None, "lines": [1]}), "?tab=output"
    )
    for word in ('<dt class="mono">action</dt>', ">posted</span>", "Yes", "empty", "As JSON"):
        assert word in html
    assert "<h3>Done</h3>" in show(site, add(site, "B", output="# Done\n\nAll of it."), "?tab=output")
    assert "No result yet" in show(site, add(site, "C", "running"), "?tab=output")
    assert "without an answer" in show(site, add(site, "D", "failed"), "?tab=output")


def test_a_long_text_is_shown_whole_on_demand(site: Site):
    run_id = add(site, "Long", output={"text": "x" * 5_000})
    html = show(site, run_id, "?tab=output")
    link = re.search(r'hx-get="([^"]*/value[^"]*)"', html)
    assert link is not None
    whole = site.browser().get(link[1].replace("&amp;", "&"), headers=HTMX)
    assert whole.status_code == 200
    assert "x" * 5_000 in whole.text
    assert site.browser().get(f"{site.base}/runs/{run_id}/value?of=output&at=/none").status_code == 404
    assert site.browser().get(f"{site.base}/runs/{run_id}/value?of=secrets").status_code == 404


def test_the_audit_is_for_administrators(site: Site):
    run_id = add(site, "A bill", "failed", by=site.seeded.people["tomasz"])
    site.browser().post(f"{site.base}/runs/{run_id}/acknowledge")
    assert "run.acknowledge" in show(site, run_id, "?tab=audit")
    assert "The audit is for administrators" in show(site, run_id, "?tab=audit", who="tomasz")


def test_who_may_see_it(site: Site):
    run_id = add(site, "Mei's")
    assert site.browser("tomasz").get(f"{site.base}/runs/{run_id}").status_code in (403, 404)
    assert site.browser("tomasz").get(f"{site.base}/runs/{run_id}/events").status_code in (403, 404)
    assert site.browser().get(f"{site.base}/runs/run_nobody").status_code == 404
    assert site.browser().get(f"{site.base}/runs/{run_id}?step=stp_nobody").status_code == 404
    with site.store.write() as session:
        other = seeding.workspace(session, "elsewhere", "Elsewhere")
    stranger = TestClient(site.app, follow_redirects=False)
    stranger.cookies.set("session", other.cookies["mei"])
    assert stranger.get(f"/w/elsewhere/runs/{run_id}").status_code == 404
    assert stranger.get(f"{site.base}/runs/{run_id}").status_code == 404


def test_cancel(site: Site):
    run_id = add(site, "A bill", "queued")
    answer = site.browser().post(f"{site.base}/runs/{run_id}/cancel", data={"reason": "not wanted"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{site.base}/runs/{run_id}")
    row = row_of(site, run_id)
    assert (row.state, row.reason) == ("cancelled", "not wanted")
    with site.store.read() as session:
        assert audit_actions(session, site.seeded)[-1] == "run.cancelled"
    again = site.browser().post(f"{site.base}/runs/{run_id}/cancel")
    assert again.status_code == 409
    assert "This run has ended already" in again.text


def test_cancelling_a_running_one_asks_for_it(site: Site):
    run_id = add(site, "A bill", "running")
    site.browser().post(f"{site.base}/runs/{run_id}/cancel")
    row = row_of(site, run_id)
    assert (row.state, row.is_cancel_requested) == ("running", True)


def test_acknowledge(site: Site):
    run_id = add(site, "A bill", "failed")
    site.browser().post(f"{site.base}/runs/{run_id}/acknowledge")
    assert not row_of(site, run_id).needs_attention
    assert site.browser().post(f"{site.base}/runs/{run_id}/acknowledge").status_code == 409


@pytest.mark.parametrize(("choice", "revision"), [("live", 2), ("same", 3)])
def test_run_again(site: Site, choice: str, revision: int):
    run_id = add(site, "A bill", revision=3, input={"message_id": "m-1"})
    data = {"revision": choice, "key": "again-1", "sandbox": "yes"}
    first = site.browser().post(f"{site.base}/runs/{run_id}/again", data=data)
    assert first.status_code == 303
    made = row_of(site, first.headers["location"].rsplit("/", 1)[1])
    assert (made.revision_number, made.input, made.mode, made.state, made.title) == (
        revision, {"message_id": "m-1"}, "sandbox", "queued", "A bill",
    )  # fmt: skip
    # Sent twice, it is one run.
    assert (
        site.browser().post(f"{site.base}/runs/{run_id}/again", data=data).headers["location"]
        == first.headers["location"]
    )


def test_replay(site: Site):
    run_id = add(site, "A bill", steps=2)
    answer = site.browser().post(f"{site.base}/runs/{run_id}/replay")
    made = row_of(site, answer.headers["location"].rsplit("/", 1)[1])
    assert (made.mode, made.replay_of, made.source) == ("replay", run_id, "replay")
    html = show(site, made.id)
    assert "Replay: no tool is touched" in html
    assert f'href="{site.base}/runs/{run_id}"' in html


@pytest.mark.parametrize("button", ["cancel", "again", "replay", "acknowledge"])
def test_a_viewer_presses_nothing(site: Site, button: str):
    run_id = add(site, "A bill", "failed")
    assert site.browser("rosa").post(f"{site.base}/runs/{run_id}/{button}").status_code == 403
    html = show(site, run_id, who="rosa")
    assert "Acknowledge" not in html
    assert "Run again" not in html


def test_a_long_run_is_paged_and_opens_where_the_trouble_is(site: Site):
    run_id = add(site, "Long", steps=110)
    html = show(site, run_id)
    assert "219 steps" in html
    assert "201 to 219" in html
    assert "1 to 200" in show(site, run_id, "?page=2").replace("201 to 219", "1 to 200")


def test_legs_show_what_was_waited_for(site: Site):
    with site.store.write() as session:
        run_id, key = kit_runs.unknown_effect(session, site.seeded)
        actions.settle_effect(session, site.seeded.owner, key, outcome="happened", reason="I saw it there")
        actions.start_leg(session, run_id, 2, worker="w2", wall_seconds_max=600)
        kit_runs.model_step(session, session.get_one(Run, run_id), "m:2:1", None)
    html = show(site, run_id)
    assert re.search(r"waited [0-9ms ]+, then went on", html)
    assert "Waited" in html
    step = steps_of(site, run_id)[1]
    assert "Mei Tanaka settled it" in show(site, run_id, f"?step={step.id}")


class Stream:
    """A browser's event stream, read piece by piece."""

    def __init__(self, site: Site, address: str, path: str, last: str = "") -> None:
        host = address.removeprefix("http://")
        self.connection = http.client.HTTPConnection(host, timeout=20)
        cookie = f"session={site.seeded.cookies['mei']}"
        self.connection.request("GET", path, headers={"Cookie": cookie, **({"Last-Event-ID": last} if last else {})})
        self.answer = self.connection.getresponse()

    def piece(self) -> str:
        """The next event, whole."""
        lines: list[str] = []
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if not line:
                if lines:
                    return "\n".join(lines)
                if self.answer.isclosed():
                    return ""
                continue
            lines.append(line)

    def close(self) -> None:
        """Go away."""
        self.answer.close()
        self.connection.close()

    def until(self, words: str) -> str:
        """The first event that holds these words."""
        for _ in range(50):
            piece = self.piece()
            if words in piece or not piece:
                assert words in piece
                return piece
        raise AssertionError(f"{words} never came")


def test_a_step_that_comes_later_appears_by_itself(site: Site):
    run_id = add(site, "Live", "running", steps=1)
    path = re.search(r'hx-sse:connect="([^"]*)"', show(site, run_id))
    assert path is not None
    with serving(site.app) as address:
        stream = Stream(site, address, path[1])
        assert stream.answer.status == 200
        assert stream.answer.getheader("content-type", "").startswith("text/event-stream")
        assert stream.answer.getheader("cache-control") == "no-store"
        stream.until('hx-target="#timeline"')
        with site.store.write() as session:
            run = session.get_one(Run, run_id)
            key = f"{run_id}:c7"
            step = trace.begin_step(
                session, workspace_id=run.workspace_id, run_id=run_id, leg=1, key=key, kind="tool",
                name="erp.flag_mismatch", request={"args": {}},
            )  # fmt: skip
        added = stream.until("erp.flag_mismatch")
        assert f'id="step-{step}"' in added
        number = re.search(r"^id: (\d+)$", added, re.MULTILINE)
        assert number is not None
        with site.store.write() as session:
            trace.end_step(session, run_id=run_id, key=key, state="completed", response="ok")
        assert f'id="step-{step}"' in stream.until("erp.flag_mismatch finished")
        # The line breaks; the browser comes back with the last number it saw, and is shown the whole of it.
        again = Stream(site, address, path[1], last=number[1])
        assert "erp.flag_mismatch" in again.until('hx-target="#timeline"')
        with site.store.write() as session:
            actions.complete_run(session, run_id, 1, by=site.seeded.owner.actor, output={"action": "posted"})
        assert "Completed" in stream.until("Completed")
        assert stream.until("event: done")
        assert stream.answer.read() == b""
        again.close()
        stream.close()


def test_the_text_a_model_writes_is_shown_while_it_writes(site: Site):
    run_id = add(site, "Live", "running")
    with site.store.write() as session:
        run = session.get_one(Run, run_id)
        step = kit_runs.begin_model(session, run, "m:1:1")
        for piece in ("The bill <b>", "matches the order."):
            trace.emit(session, run_id, "text", {"key": "m:1:1", "text": piece})
    html = show(site, run_id)
    assert "The bill &lt;b&gt;matches the order." in html
    pane = site.browser().get(f"{site.base}/runs/{run_id}?step={step}", headers=HTMX).text
    assert 'hx-trigger="every 1s"' in pane
    with site.store.write() as session:
        trace.end_step(session, run_id=run_id, key="m:1:1", state="completed", response=None)
    assert "every 1s" not in site.browser().get(f"{site.base}/runs/{run_id}?step={step}", headers=HTMX).text


def test_the_stream_of_a_run_that_is_over_ends(site: Site):
    run_id = add(site, "Over")
    with serving(site.app) as address:
        stream = Stream(site, address, f"{site.base}/runs/{run_id}/events")
        body = stream.answer.read().decode()
        stream.close()
    assert body.endswith("event: done\ndata: over\n\n")


def test_an_act_is_in_the_ledger_of_its_step(site: Site):
    with site.store.write() as session:
        run_id, key = kit_runs.unknown_effect(session, site.seeded)
        session.get_one(Effect, key).state = "done"
    assert "before the call; its outcome" in show(site, run_id)


def test_a_circle_shows_the_calls_it_rests_on(site: Site):
    run_id = add(site, "A bill", "failed", code="loop", reason="It goes in a circle.", steps=1)
    calls = [{"step": 4, "call": "erp.look_up", "state": "completed", "code": None}]
    verdict = {"policy": "loop", "kind": "stop", "reason": "It goes in a circle.", "code": "loop"}
    with site.store.write() as session:
        session.query(Step).filter_by(run_id=run_id).update(
            {"kind": "tool", "state": "stopped", "verdicts": [verdict], "detail": {"evidence": {"calls": calls}}}
        )
    html = show(site, run_id, f"?step={steps_of(site, run_id)[-1].id}")
    for words in ("The calls it rests on", "erp.look_up", "step 4"):
        assert words in html
