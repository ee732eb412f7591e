"""The inbox: the list, the card, and every way to answer, in a browser without script."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from signoff.tables.approvals import Approval, ApprovalRecipient, ApprovalVote, Endorsement
from signoff.tables.record import AuditRow
from signoff.tables.runs import HoldAnswer
from tests.web.kit_pages import HTMX
from tests.web.pages import kit_asks
from tests.web.pages.conftest import Site
from tests.web.pages.kit_asks import NASTY


def asked(site: Site, *args: Any, **more: Any) -> str:
    with site.store.write() as session:
        return kit_asks.ask(session, site.seeded, *args, **more)


def row(site: Site, approval_id: str) -> Approval:
    with site.store.read() as session:
        return session.get_one(Approval, approval_id)


def answer(site: Site, approval_id: str, who: str = "mei", htmx: bool = False, **fields: Any) -> Any:
    headers = HTMX if htmx else {}
    return site.browser(who).post(f"{site.base}/inbox/{approval_id}", data=fields, headers=headers)


def test_the_list_shows_what_waits_for_me_and_the_first_of_it(site: Site):
    asked(site, "Post bill A")
    asked(site, "Post bill of others", asked=("ines",), hours_ago=1)
    page = site.browser().get(f"{site.base}/inbox").text
    assert "Post bill A" in page
    assert "Post bill of others" not in page
    assert 'data-one="apr_' in page
    everything = site.browser().get(f"{site.base}/inbox?whose=all").text
    assert "Post bill of others" in everything


def test_the_badge_counts_what_waits_for_whoever_looks(site: Site):
    asked(site)
    asked(site, "Another")
    mine = site.browser().get(f"{site.base}/inbox/badge").text
    theirs = site.browser("tomasz").get(f"{site.base}/inbox/badge").text
    looking = site.browser("rosa").get(site.base).text
    assert '>2<span class="visually-hidden"> wait for you' in mine
    assert "wait for you" not in theirs
    assert 'hx-get="/w/northwind/inbox/badge"' not in looking


def test_the_card_says_everything_one_decides_by(site: Site):
    with site.store.write() as session:
        known = kit_asks.many_kinds(session, site.seeded)
    page = site.browser().get(f"{site.base}/inbox/{known['bill']}").text
    for words in (
        "Post bill RE-2026-119 over 412.50 EUR", "Brightwater Logistics, order PO-88120", "Irreversible",
        "The amount is 412.50, and the gate asks from 250 on.", "PO-88120", "From the input of the run",
        "Untrusted, from mail.read_message", "3 values not vouched for", "12 were approved and 1 denied",
        "Different from the last one that was approved", "388.00", "What the agent had read before",
        "then it is denied", "Who is asked: Mei Tanaka", "Accept for the rest of the run", "wrong amount",
    ):  # fmt: skip
        assert words in page, words


@pytest.mark.parametrize("kind", ["two", "question", "login", "budget", "approved", "denied", "expired", "others"])
def test_each_kind_and_state_has_its_card(site: Site, kind: str):
    with site.store.write() as session:
        known = kit_asks.many_kinds(session, site.seeded)
    words = {
        "two": "1 of 2", "question": "Which cost centre takes the freight?", "login": "I have signed in",
        "budget": "Raise by, in dollars", "approved": "What the approver changed", "denied": "The order says 926.00",
        "expired": "Nobody answered in time", "others": "You are not asked",
    }  # fmt: skip
    answered = site.browser().get(f"{site.base}/inbox/{known[kind]}")
    assert answered.status_code == 200
    assert words[kind] in answered.text


def test_what_others_wrote_is_text_in_every_field(site: Site):
    args = {NASTY: NASTY, "deep": {"x": NASTY}}
    told = [{"name": NASTY, "text": NASTY, "origin": NASTY, "label": NASTY, "is_plain": False, "is_cut": True}]
    card = {
        "badges": [{"kind": NASTY, "word": NASTY}], "arguments": told, "read_before": [{"name": NASTY, "state": NASTY}],
        "last_approved": {"id": "x", "at": NASTY, "by": NASTY}, "similar": {"approved": 1, "denied": 0},
        "changes": [{"name": NASTY, "before": NASTY, "after": NASTY}], "endorsable": [NASTY],
        "questions": [{"header": NASTY, "question": NASTY, "options": [NASTY], "is_multiple": True}],
    }  # fmt: skip
    rule = {"reason_codes": [NASTY[:60]], "may_endorse": [NASTY]}
    found = [
        asked(
            site, NASTY, summary=NASTY, why=NASTY, gate=NASTY[:80], args=args, card=card, rule=rule, agent_name=NASTY
        ),
        asked(site, NASTY, kind="question", summary=NASTY, args={}, card=card, hours_ago=30),
        asked(site, NASTY, hours_ago=2),
    ]
    with site.store.write() as session:
        kit_asks.settle(
            session, site.seeded, found[2], state="denied", reason=NASTY, reason_code=NASTY, decided_by_name=NASTY,
            decision={"changes": [{"name": NASTY, "before": NASTY, "after": NASTY}], "endorsed": [NASTY],
                      "answers": [{"question": NASTY, "options": [NASTY], "text": NASTY}]},
        )  # fmt: skip
    run_id = row(site, found[0]).run_id
    browser = site.browser()
    many = browser.post(f"{site.base}/inbox/many/preview", data={"pick": found[:1]})
    late = answer(site, found[2], verdict="deny", reason=NASTY)
    typed = browser.post(f"{site.base}/inbox/{found[0]}", data={"verdict": "approve", "args": "[", "reason": NASTY})
    pages = [
        *(browser.get(f"{site.base}{path}") for path in ("", "/inbox", "/inbox?show=answered", f"/runs/{run_id}")),
        *(browser.get(f"{site.base}/inbox/{one}") for one in found), many, late, typed,
    ]  # fmt: skip
    for page in pages:
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "49" not in re.findall(r"&gt;(\d+)", page.text)


def test_approving_ends_the_request_and_lets_the_run_go_on(site: Site):
    one = asked(site, "First")
    asked(site, "Second", hours_ago=2)
    browser = site.browser()
    answered = browser.post(f"{site.base}/inbox/{one}", data={"verdict": "approve", "reason": "Checked the order"})
    assert answered.headers["location"].startswith(f"{site.base}/inbox/apr_")
    following = browser.get(answered.headers["location"]).text
    assert "The run goes on." in following
    assert 'aria-labelledby="ask-apr_' in following
    with site.store.read() as session:
        found = session.get_one(Approval, one)
        kept = session.get_one(HoldAnswer, (found.run_id, 1, "c1"))
        assert (found.state, found.reason, found.via) == ("approved", "Checked the order", "page")
        assert kept.answer["outcome"] == "approved"


def test_a_value_is_accepted_for_the_run_where_it_was_asked_about(site: Site):
    card = kit_asks.card(kit_asks.ARGS, endorsable=["order"])
    one = asked(site, asked_by_policy="flow", rule={"may_endorse": ["order"]}, card=card)
    two = asked(site, hours_ago=2)
    assert answer(site, one, verdict="approve", endorse="order").status_code == 303
    refused = answer(site, two, verdict="approve", endorse="order")
    assert refused.status_code == 422
    assert "would change nothing" in refused.text
    with site.store.read() as session:
        kept = session.query(Endorsement).one()
    assert (kept.value, kept.approval_id, kept.by_name) == ("PO-88120", one, "Mei Tanaka")


def test_with_script_the_next_request_comes_with_the_list_and_the_badge(site: Site):
    one = asked(site, "First")
    two = asked(site, "Second", hours_ago=2)
    answered = answer(site, one, htmx=True, verdict="approve", back="")
    assert answered.status_code == 200
    assert f'data-one="{two}"' in answered.text
    assert 'hx-target="#results"' in answered.text
    assert 'hx-target="#badge-inbox"' in answered.text
    assert answered.headers["hx-replace-url"] == f"{site.base}/inbox/{two}"
    assert "Approved" in answered.text


def test_an_edit_is_shown_as_a_difference_before_it_counts(site: Site):
    one = asked(site, args={**kit_asks.ARGS, "token": "{{secret.ERP_TOKEN}}", "invoice": "RE-1"})
    typed = {"arg.amount": "388.5", "arg.order": "PO-88120", "reason": "As in the order"}
    looked = site.browser().post(f"{site.base}/inbox/{one}/edit", data=typed, headers=HTMX)
    assert looked.status_code == 200, looked.text
    assert "What you would change" in looked.text
    assert "412.5" in looked.text
    assert "388.5" in looked.text
    assert row(site, one).state == "pending"
    args = re.search(r'name="args" value="([^"]*)"', looked.text)
    assert args is not None
    answered = answer(site, one, verdict="approve", args=html.unescape(args[1]), reason="As in the order")
    assert answered.status_code == 303, answered.text
    found = row(site, one)
    assert found.state == "approved"
    assert found.decision["changes"] == [{"name": "amount", "before": 412.5, "after": 388.5}]


def test_an_edit_that_does_not_fit_says_so_and_keeps_what_was_typed(site: Site):
    one = asked(site, args={**kit_asks.ARGS, "token": "{{secret.ERP_TOKEN}}"})
    typed = {"arg.amount": "a lot", "reason": "typed by hand"}
    whole = site.browser().post(f"{site.base}/inbox/{one}/edit", data=typed)
    piece = site.browser().post(f"{site.base}/inbox/{one}/edit", data=typed, headers=HTMX)
    assert whole.status_code == piece.status_code == 422
    assert "Write a number." in piece.text
    assert 'value="a lot"' in whole.text
    assert 'value="typed by hand"' in whole.text


def test_a_denial_needs_its_reason_and_the_form_stays_as_it_was(site: Site):
    one = asked(site, rule={"reason_codes": ["wrong amount"]})
    empty = answer(site, one, verdict="deny", reason="")
    assert empty.status_code == 422
    assert "Say why" in empty.text
    assert row(site, one).state == "pending"
    answer(site, one, verdict="deny", reason="The order says 926.00", reason_code="wrong amount")
    found = row(site, one)
    assert (found.state, found.reason, found.reason_code) == ("denied", "The order says 926.00", "wrong amount")


def test_whoever_comes_second_is_told_who_was_first_and_loses_nothing(site: Site):
    one = asked(site, asked=("mei", "ines"))
    with site.store.write() as session:
        kit_asks.settle(session, site.seeded, one)
    whole = answer(site, one, verdict="deny", reason="I had written a lot about this")
    piece = answer(site, one, htmx=True, verdict="deny", reason="I had written a lot about this")
    assert whole.status_code == piece.status_code == 409
    for page in (whole.text, piece.text):
        assert "Ines Okafor was first" in page
        assert "approved this at" in page
        assert "I had written a lot about this" in page
    assert row(site, one).state == "approved"


def test_questions_are_answered_with_options_and_words(site: Site):
    with site.store.write() as session:
        known = kit_asks.many_kinds(session, site.seeded)
        found = session.get_one(Approval, known["question"])
        found.args = {"questions": found.card["questions"]}
    answered = answer(
        site, known["question"], verdict="answer",
        **{"q.0.option": "4700 Freight", "q.1.option": ["Finance", "Warehouse"], "q.2.text": "Thank them"},
    )  # fmt: skip
    assert answered.status_code == 303, answered.text
    found = row(site, known["question"])
    assert found.state == "answered"
    assert [one["options"] for one in found.decision["answers"]] == [["4700 Freight"], ["Finance", "Warehouse"], []]
    assert found.decision["answers"][2]["text"] == "Thank them"


def test_an_answer_that_is_missing_is_named_and_the_others_are_kept(site: Site):
    with site.store.write() as session:
        known = kit_asks.many_kinds(session, site.seeded)
        found = session.get_one(Approval, known["question"])
        found.args = {"questions": found.card["questions"]}
    typed: dict[str, Any] = {"q.0.option": "4700 Freight", "q.2.text": "Thanks"}
    answered = answer(site, known["question"], verdict="answer", **typed)
    assert answered.status_code == 422
    assert "Choose an option or write an answer." in answered.text
    assert 'value="4700 Freight" checked' in answered.text
    assert "Thanks</textarea>" in answered.text


def test_a_login_is_said_to_be_done_and_a_budget_is_raised(site: Site):
    with site.store.write() as session:
        known = kit_asks.many_kinds(session, site.seeded)
    login = site.browser().get(f"{site.base}/inbox/{known['login']}").text
    assert re.search(r'href="/w/northwind/connections/[^"]+/login"', login)
    assert answer(site, known["login"], verdict="answer").status_code == 303
    wrong = answer(site, known["budget"], verdict="approve", amount_usd="much")
    assert wrong.status_code == 422
    assert "such as 25 or 0.15" in wrong.text
    assert answer(site, known["budget"], verdict="approve", amount_usd="$2.50").status_code == 303
    assert row(site, known["login"]).state == "answered"
    assert row(site, known["budget"]).decision["amount_usd"] == "2.5"


def test_somebody_else_is_asked_instead(site: Site):
    one = asked(site)
    ines = site.seeded.people["ines"].id
    browser = site.browser()
    nobody = browser.post(f"{site.base}/inbox/{one}/give", data={"to": "", "reason": "x"})
    given = browser.post(f"{site.base}/inbox/{one}/give", data={"to": ines, "reason": "I am away", "place": "inbox"})
    assert nobody.status_code == 422
    assert given.status_code in (303, 422), given.text
    with site.store.read() as session:
        asked_now = {
            found.member_id: found.is_open for found in session.query(ApprovalRecipient).filter_by(approval_id=one)
        }
    # Ines started the run, so the gate does not let her decide: that is said with the form.
    assert asked_now.get(ines, False) == (given.status_code == 303)


def test_a_viewer_reads_and_is_offered_nothing(site: Site):
    one = asked(site)
    page = site.browser("rosa").get(f"{site.base}/inbox/{one}").text
    assert "You are not asked" in page
    assert f'id="approve-{one}"' not in page
    assert site.browser("rosa").get(f"{site.base}/inbox?whose=all").status_code == 200
    assert answer(site, one, who="rosa", verdict="approve").status_code in (403, 422)
    assert row(site, one).state == "pending"


def test_a_request_of_somebody_else_is_not_there(site: Site):
    one = asked(site)
    assert site.browser("tomasz").get(f"{site.base}/inbox/{one}").status_code == 404
    assert answer(site, one, who="tomasz", verdict="approve").status_code == 404


def test_filters_narrow_the_list_and_nonsense_is_left_out(site: Site):
    asked(site, "Old one", hours_ago=30)
    asked(site, "New one", gate="Payment over 10,000")
    browser = site.browser()

    def shown(query: str) -> tuple[bool, bool]:
        text = browser.get(f"{site.base}/inbox?{query}", headers=HTMX).text
        return "Old one" in text, "New one" in text

    assert shown("older=24") == (True, False)
    assert shown("gate=Payment+over+10%2C000") == (False, True)
    assert shown("kind=question") == (False, False)
    assert shown("agent=supplier-mail") == (True, True)
    assert shown("agent=vendor-watch") == (False, False)
    assert shown("kind=nonsense&older=never&order=odd&whose=who") == (True, True)
    text = browser.get(f"{site.base}/inbox?order=oldest", headers=HTMX).text
    assert text.index("Old one") < text.index("New one")


def test_what_waits_longer_than_a_day_is_flagged(site: Site):
    asked(site, "Old one", hours_ago=30)
    asked(site, "New one")
    page = site.browser().get(f"{site.base}/inbox").text
    assert page.count("is-aged") == 1
    assert "1 request</span> waits for you longer than a day" in page


def test_the_clock_tells_what_happened_to_the_request_on_show(site: Site):
    one = asked(site, asked=("mei", "ines"))
    query = f"live=1&one={one}&seen=pending:0"
    quiet = site.browser().get(f"{site.base}/inbox?{query}", headers=HTMX)
    assert f'hx-target="#news-{one}"' not in quiet.text
    assert "hx-replace-url" not in quiet.headers
    with site.store.write() as session:
        kit_asks.settle(session, site.seeded, one)
    told = site.browser().get(f"{site.base}/inbox?{query}", headers=HTMX).text
    assert f'hx-target="#news-{one}"' in told
    assert "Ines Okafor approved this" in told


def test_a_view_is_saved_for_oneself_alone(site: Site):
    browser = site.browser()
    saved = browser.post(
        f"{site.base}/inbox/views", data={"name": "Old bills", "query": "older=24&order=oldest&junk=1"}
    )
    assert saved.headers["location"] == f"{site.base}/inbox?older=24&order=oldest"
    page = browser.get(f"{site.base}/inbox").text
    assert "Old bills" in page
    assert "/inbox?older=24&amp;order=oldest" in page
    assert "Old bills" not in site.browser("ines").get(f"{site.base}/inbox").text
    remove = re.search(r'action="([^"]*/inbox/views/[^"]*/remove)"', page)
    assert remove is not None
    assert site.browser("ines").post(remove[1]).status_code == 303
    assert "Old bills" in browser.get(f"{site.base}/inbox").text
    browser.post(remove[1])
    assert "Old bills" not in browser.get(f"{site.base}/inbox").text


def test_an_empty_inbox_teaches_what_a_gate_is(empty_site: Site):
    page = empty_site.browser().get(f"{empty_site.base}/inbox").text
    assert "What will stand here" in page
    assert "gates:" in page
    assert "{{args.amount}}" in page


def test_home_and_the_page_of_the_run_show_the_same_request(site: Site):
    one = asked(site, "Post the bill of home")
    home = site.browser().get(site.base).text
    run = site.browser().get(f"{site.base}/runs/{row(site, one).run_id}").text
    assert "Waits for your answer" in home
    assert f"/inbox/{one}?order=oldest" in home
    assert f'id="card-{one}"' in run
    assert f'id="approve-{one}"' in run
    assert "Needs approval" in run
    to_run = answer(site, one, verdict="approve", place="run")
    assert to_run.headers["location"] == f"{site.base}/runs/{row(site, one).run_id}"
    after = site.browser().get(to_run.headers["location"]).text
    assert "ask-done" in after
    assert "Mei Tanaka approved this" in after


def test_several_of_one_gate_are_decided_with_an_entry_each(site: Site):
    found = [asked(site, f"Bill {number}", hours_ago=number + 1) for number in range(3)]
    browser = site.browser()
    looked = browser.post(f"{site.base}/inbox/many/preview", data={"pick": found}).text
    assert looked.count('name="pick"') == 3
    assert looked.count("PO-88120") >= 3
    with site.store.write() as session:
        kit_asks.settle(session, site.seeded, found[1])
    agent = site.seeded.agents["supplier-mail"]
    done = decide_many(browser, site, found, agent=agent, verdict="deny", reason="Not ours")
    assert "2 requests are denied, 1 are left as they are." in done.text
    assert "Ines Okafor approved it" in done.text
    assert [row(site, one).state for one in found] == ["denied", "approved", "denied"]
    with site.store.read() as session:
        entries = session.query(AuditRow).filter(AuditRow.action == "approval.denied").all()
        votes = session.query(ApprovalVote).filter(ApprovalVote.verdict == "deny").count()
    assert {entry.object_id for entry in entries} == {found[0], found[2]}
    assert votes == 2


def test_requests_of_two_gates_are_never_decided_together(site: Site):
    found = [asked(site, "One"), asked(site, "Two", gate="Another gate", hours_ago=1)]
    browser = site.browser()
    looked = browser.post(f"{site.base}/inbox/many/preview", data={"pick": found}).text
    assert "These are of several gates" in looked
    assert 'name="verdict"' not in looked
    agent = site.seeded.agents["supplier-mail"]
    done = decide_many(browser, site, found, agent=agent, gate="Another gate", verdict="approve")
    assert "It is of another gate" in done.text
    assert [row(site, one).state for one in found] == ["pending", "approved"]


def test_many_are_not_denied_without_a_reason_nor_questions_answered(site: Site):
    one = asked(site, "One")
    question = asked(site, "A question", kind="question", hours_ago=1)
    browser, agent = site.browser(), site.seeded.agents["supplier-mail"]
    refused = decide_many(browser, site, [one], agent=agent, verdict="deny", reason="")
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert (
        "1 other is not yours" in browser.post(f"{site.base}/inbox/many/preview", data={"pick": [one, question]}).text
    )
    done = decide_many(browser, site, [question], agent=agent, verdict="approve")
    assert "It is of another gate" in done.text
    assert {row(site, found).state for found in (one, question)} == {"pending"}


def decide_many(
    browser: TestClient, site: Site, picks: list[str], gate: str = "Bill over 250 EUR", **fields: Any
) -> Any:
    return browser.post(f"{site.base}/inbox/many", data={"pick": picks, "gate": gate, **fields})


def test_a_question_stands_once_on_its_card_and_as_no_json(site: Site):
    text = "Which cost centre takes the freight?"
    asked_for = [{"header": "", "question": text, "options": ["4700", "4800"], "is_multiple": False}]
    one = asked(
        site, text, kind="question", summary=text, args={"questions": asked_for}, tool="ask_person",
        card=kit_asks.card({"questions": [{"question": text}]}, questions=asked_for), asked_by_policy="agent",
    )  # fmt: skip
    page = site.browser().get(f"{site.base}/inbox/{one}", headers=HTMX).text
    assert page.count(text) == 2  # In the form, and in the dialog that declines it.
    assert "asks a question</h2>" in page
    assert "What it would be called with" not in page
    with site.store.write() as session:
        kit_asks.settle(session, site.seeded, one, state="withdrawn")
    ended = site.browser().get(f"{site.base}/inbox/{one}", headers=HTMX).text
    assert f"{text}</h2>" in ended


def test_a_value_to_accept_is_shown_whole_where_it_is_accepted(site: Site):
    long = "https://pay.example/" + "a" * 300 + "/end"
    one = asked(
        site, args={"to": long}, card=kit_asks.card({"to": long}, endorsable=["to"]), asked_by_policy="flow",
        rule={"may_endorse": ["to"]},
    )  # fmt: skip
    page = site.browser().get(f"{site.base}/inbox/{one}", headers=HTMX).text
    dialog = page.split(f'id="approve-{one}"', 1)[1].split("</dialog>", 1)[0]
    assert f"to: {long}" in dialog


def test_after_a_conflict_the_list_and_every_number_are_as_they_are_now(site: Site):
    one, two = asked(site, asked=("mei", "ines")), asked(site, "Another")
    with site.store.write() as session:
        kit_asks.settle(session, site.seeded, one)
    late = answer(site, one, htmx=True, verdict="approve").text
    assert 'hx-target="#results"' in late
    assert f'id="row-{two}"' in late
    assert f'id="row-{one}"' not in late
    for place in ("badge-inbox", "badge-bar-inbox"):
        assert re.search(rf'hx-target="#{place}"[^>]*><span[^>]*>1<', late), place
    assert re.search(r'For me<span class="count"[^>]*>1<', late)


def test_after_an_answer_every_number_counts_without_it(site: Site):
    one, _ = asked(site), asked(site, "Another")
    done = answer(site, one, htmx=True, verdict="approve").text
    assert re.search(r'hx-target="#badge-inbox"[^>]*><span[^>]*>1<', done)
    assert re.search(r'For me<span class="count"[^>]*>1<', done)


def test_what_somebody_else_answered_tells_the_page_that_its_forms_are_over(site: Site):
    one = asked(site, asked=("mei", "ines"))
    with site.store.write() as session:
        kit_asks.settle(session, site.seeded, one)
    told = site.browser().get(f"{site.base}/inbox?live=1&one={one}&seen=pending:0", headers=HTMX).text
    assert "data-over" in told


def test_money_has_its_cents(site: Site):
    with site.store.write() as session:
        known = kit_asks.many_kinds(session, site.seeded)
    answer(site, known["budget"], verdict="approve", amount_usd="2.5")
    page = site.browser().get(f"{site.base}/inbox/{known['budget']}", headers=HTMX).text
    assert "Raised by $2.50" in page
