"""The editor: saving, checks, freezing, and two people at once."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from signoff.agents.queries import agent_by_slug, draft_of, refused_saves, revision
from signoff.web.forms import Form
from signoff.web.pages.agent_editor.draft_form import body_from, fields_of
from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site
from tests.web.seed import body

AT = "/w/northwind/agents/supplier-mail/edit"


def form_of(html: str) -> dict[str, Any]:
    """The fields of the draft's form as a browser would send them."""
    inside = html[html.index('<form id="draft"') :]
    inside = inside[: inside.index("</form>")]
    sent: dict[str, list[str]] = {}

    def add(name: str, value: str) -> None:
        sent.setdefault(unescape(name), []).append(unescape(value))

    for tag in re.findall(r"<input [^>]*>", inside):
        names = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if names.get("type") not in ("checkbox", "radio") or " checked" in tag:
            add(names["name"], names.get("value", "on"))
    for name, text in re.findall(r'<textarea [^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', inside, re.DOTALL):
        add(name, text)
    for name, options in re.findall(r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', inside, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(
            r'<option value="([^"]*)"', options
        )
        assert chosen
        add(name, chosen[1])
    return sent


def opened(site: Site, who: str = "mei") -> dict[str, Any]:
    return form_of(site.browser(who).get(AT).text)


def saved(site: Site) -> Any:
    with site.store.read() as session:
        return draft_of(session, site.seeded.owner, "supplier-mail")


def test_opening_and_saving_changes_nothing(site: Site):
    before = saved(site)
    done = site.browser().post(AT, data=opened(site))
    assert (done.status_code, done.headers["location"]) == (303, AT)
    after = saved(site)
    assert (after.version, after.body["tools"]) == (before.version + 1, before.body["tools"]) or (
        after.version == before.version
    )
    # What the form spells out is the same content, by its hash.
    with site.store.read() as session:
        newest = revision(session, site.seeded.owner, "supplier-mail", 3)
    from signoff.agents.body import Body

    assert Body.model_validate(after.body).hash == newest.facts.hash


def test_everything_can_be_changed(site: Site):
    form = opened(site)
    form |= {
        "sop": ["# GOAL\r\nNew words."],
        "model": ["openai:gpt-5"],
        "fallbacks": ["anthropic:claude-sonnet-5\n\nopenai:gpt-5-mini"],
        "set-temperature": ["0.4"],
        "on_outage": ["wait"],
        "cache": ["yes"],
        "limit-turns": ["7"],
        "limit-cost_usd": ["2.50"],
        "limit-tokens": [""],
        "output_schema": [""],
        "secret": [],
        "allow": ["erp.list_bills", "erp.void_bill"],
        "max.erp.void_bill": ["1"],
        "args.erp.void_bill": ['{"bill": {"maxLength": 20}}'],
    }
    assert site.browser().post(AT, data=form).status_code == 303
    now = saved(site).body
    assert now["sop"] == "# GOAL\nNew words."
    assert now["model"]["name"] == "openai:gpt-5"
    assert now["model"]["fallbacks"] == ["anthropic:claude-sonnet-5", "openai:gpt-5-mini"]
    assert now["model"]["settings"] == {"temperature": 0.4, "max_tokens": 2000}
    assert (now["model"]["on_outage"], now["model"]["cache"]) == ("wait", True)
    assert (now["limits"]["turns"], now["limits"]["cost_usd"]) == (7, "2.50")
    assert "tokens" not in now["limits"]
    assert "output_schema" not in now
    assert now["secrets"] == []
    assert now["tools"] == [
        {
            "slot": "erp",
            "allow": [
                {"tool": "list_bills"},
                {"tool": "void_bill", "max_calls": 1, "args": {"bill": {"maxLength": 20}}},
            ],
        }
    ]


def test_what_is_typed_is_kept_even_when_it_is_wrong(site: Site):
    form = opened(site) | {"input_schema": ['{"type": "object",\n oops}'], "limit-turns": ["many"]}
    assert site.browser().post(AT, data=form).status_code == 303
    assert saved(site).body["input_schema"] == '{"type": "object",\n oops}'
    html = unescape(site.browser().get(AT).text)
    assert "The input schema is not JSON." in html
    assert "Line 2, column 2" in html
    assert "limits.turns is a text; it takes a whole number." in html
    assert 'value="many"' in html


def test_the_profile_of_what_untrusted_content_may_bring_about_is_chosen(site: Site):
    assert opened(site)["flow"] == ["recommended"]
    site.browser().post(AT, data=opened(site) | {"flow": ["strict"]})
    assert saved(site).body["rules"] == {"flow": "strict"}
    assert opened(site)["flow"] == ["strict"]
    site.browser().post(AT, data=opened(site) | {"flow": ["recommended"]})
    assert "rules" not in saved(site).body


def test_what_the_form_does_not_know_stays(site: Site):
    base = {"model": {"name": "openai:gpt-5", "note": "kept"}, "extra": [1], "tools": [
        {"slot": "erp", "why": "kept", "allow": [{"tool": "post_bill", "odd": True}]}]}  # fmt: skip
    form = Form({"sop": ("x",), "model": ("openai:gpt-5",), "tools-shown": ("yes",), "allow": ("erp.post_bill",)})
    made = body_from(form, base)
    assert made["extra"] == [1]
    assert made["model"]["note"] == "kept"
    assert made["tools"] == base["tools"]


@pytest.mark.parametrize(
    "odd", [{}, {"sop": 7, "model": [], "limits": "x", "tools": {"a": 1}, "secrets": 3}, {"tools": [1]}]
)
def test_a_draft_of_any_shape_can_be_opened(odd: dict[str, Any]):
    assert fields_of(odd).on_outage == "fail"


def test_the_checks_answer_what_is_being_typed(site: Site):
    version = saved(site).version
    form = opened(site) | {"sop": ["# GOAL\nUse @erp.find_ordr now."], "model": ["nonsense"]}
    answer = site.browser().post(f"{AT}/checks", data=form, headers=HTMX)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "@erp.find_ordr" in answer.text
    assert 'data-go-line="2"' in answer.text
    assert 'href="#f-model"' in answer.text
    assert saved(site).version == version


def test_htmx_saves_in_place(site: Site):
    version = saved(site).version
    form = opened(site) | {"sop": ["# GOAL\nSaved in place."]}
    answer = site.browser().post(AT, data=form, headers=HTMX)
    assert answer.headers["hx-trigger"] == "saved"
    assert f'id="draft-version" value="{version + 1}"' in answer.text
    assert 'hx-target="#checks"' in answer.text
    assert saved(site).body["sop"] == "# GOAL\nSaved in place."


def test_two_people_at_once_lose_nothing(site: Site):
    mei, ines = opened(site), opened(site, "ines")
    assert site.browser("ines").post(AT, data=ines | {"sop": ["# GOAL\nThe words of Ines."]}).status_code == 303
    late = site.browser().post(AT, data=mei | {"sop": ["# GOAL\nThe words of Mei."], "limit-turns": ["9"]})
    assert late.status_code == 303
    with site.store.read() as session:
        kept = refused_saves(session, site.seeded.owner, "supplier-mail")[0]
    assert late.headers["location"] == f"{AT}/conflict/{kept.id}"
    both = site.browser().get(late.headers["location"]).text
    for word in ("The words of Ines.", "The words of Mei.", "Ines Okafor saved version", "limits.turns"):
        assert word in both
    version = re.search(r'name="version" value="(\d+)"', both)
    assert version
    merged = {"version": version[1], "sop": "# GOAL\nBoth.", "rest": "mine"}
    done = site.browser().post(late.headers["location"], data=merged)
    assert (done.status_code, done.headers["location"]) == (303, AT)
    assert (saved(site).body["sop"], saved(site).body["limits"]["turns"]) == ("# GOAL\nBoth.", 9)
    # And once more too late: again kept, again both.
    assert "/conflict/" in site.browser().post(late.headers["location"], data=merged | {"sop": "x"}).headers["location"]


def test_htmx_is_led_to_the_conflict(site: Site):
    form = opened(site)
    assert site.browser("ines").post(AT, data=form | {"sop": ["one"]}).status_code == 303
    answer = site.browser().post(AT, data=form | {"sop": ["two"]}, headers=HTMX)
    assert answer.headers["hx-redirect"].startswith(f"{AT}/conflict/rsv_")


def test_freezing_saves_what_is_seen(site: Site):
    form = opened(site) | {
        "sop": [body()["sop"] + "\nMore."],
        "reason": ["It was too short"],
        "revision-name": ["Longer"],
    }
    done = site.browser().post(f"{AT}/freeze", data=form)
    assert (done.status_code, done.headers["location"]) == (303, "/w/northwind/agents/supplier-mail/revisions")
    with site.store.read() as session:
        made = revision(session, site.seeded.owner, "supplier-mail", 4)
    assert made.body["sop"].endswith("More.")
    assert (made.facts.reason, made.facts.name, made.facts.author_name) == ("It was too short", "Longer", "Mei Tanaka")


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"reason": [""], "sop": ["changed"]}, 422, "The reason has 0 characters"),
        ({"reason": ["Kept why"], "model": ["nonsense"]}, 422, "The draft has 1 error"),
        ({"reason": ["Kept why"]}, 409, "equals revision 3"),
    ],
)
def test_a_refused_freeze_keeps_the_words(site: Site, changes: dict[str, Any], status: int, words: str):
    refused = site.browser().post(f"{AT}/freeze", data=opened(site) | changes)
    assert refused.status_code == status
    assert words in unescape(refused.text)
    assert changes["reason"][0] in refused.text
    with site.store.read() as session:
        assert agent_by_slug(session, site.seeded.owner, "supplier-mail").last_revision == 3
    # Its version is the saved one, so the next try is not too late.
    again = form_of(refused.text) | {"sop": ["# GOAL\nRight."], "model": ["scripted:supplier-mail"], "reason": ["Now"]}
    assert site.browser().post(f"{AT}/freeze", data=again).status_code == 303


def test_who_may(site: Site):
    form = opened(site)
    for who in ("tomasz", "rosa"):
        shown = site.browser(who).get(AT)
        assert shown.status_code == 200
        assert "You can read this draft, not change it" in shown.text
        assert '<fieldset class="detail" disabled' in shown.text
        assert site.browser(who).post(AT, data=form | {"sop": ["mine"]}).status_code == 403
        assert site.browser(who).post(f"{AT}/freeze", data=form | {"reason": ["x"]}).status_code == 403
    assert saved(site).body["sop"] != "mine"
    assert site.browser("ines").post("/w/northwind/agents/vendor-watch/edit", data=form).status_code == 403


def test_a_text_beyond_the_limit_is_refused_and_kept_on_the_page(site: Site):
    form = opened(site) | {"input_schema": ["x" * 1_000_100]}
    refused = site.browser().post(AT, data=form)
    assert refused.status_code == 422
    assert "at most 1,000,000" in refused.text
    assert "x" * 1_000_100 in refused.text
