"""The editor of a workspace with many connections: light, and nothing is lost that is not on the page."""

from __future__ import annotations

import re
from html import unescape

import pytest

from signoff.agents.actions import save_draft
from signoff.agents.queries import draft_of
from signoff.kit import clock, ids
from signoff.tables.connections import Connection, Tool
from signoff.web.pages.agent_editor.toolbox import ROWS_SHOWN
from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site
from tests.web.pages.test_agent_editor import AT, form_of, opened, saved
from tests.web.pages.test_list_costs import statements


def connect(site: Site, connections: int, tools: int = 20) -> None:
    """So many connections more, each with so many tools."""
    with site.store.write() as session:
        workspace = site.seeded.owner.workspace_id
        for number in range(connections):
            made = Connection(
                id=ids.new_id("con"), workspace_id=workspace, environment_id=site.seeded.environments["staging"],
                slug=f"system-{number}", name=f"System {number}", kind="mcp_http", config={}, created_at=clock.now(),
            )  # fmt: skip
            session.add(made)
            session.flush()
            for tool in range(tools):
                session.add(
                    Tool(
                        id=ids.new_id("tool"), workspace_id=workspace, connection_id=made.id, name=f"act_{tool}",
                        definition={"description": f"Does thing {tool} of system {number}, as people do by hand."},
                        definition_hash="0" * 64, effect="read", effect_source="test", state="accepted",
                        discovered_at=clock.now(),
                    )
                )  # fmt: skip


@pytest.fixture
def many(site: Site) -> Site:
    connect(site, 60)
    return site


def allow(site: Site, *slots: str, tools: int = 20, **bounds: int) -> None:
    """Let the draft allow these tools too."""
    with site.store.write() as session:
        now = draft_of(session, site.seeded.owner, "supplier-mail")
        more = [{"slot": slot, "allow": [{"tool": f"act_{n}", **bounds} for n in range(tools)]} for slot in slots]
        body = {**now.body, "tools": [*now.body["tools"], *more]}
        save_draft(session, site.seeded.owner, "supplier-mail", body=body, version=now.version)


def test_it_is_as_light_with_sixty_connections_as_with_a_few(site: Site):
    browser = site.browser()
    browser.get(AT)
    with statements(site) as few:
        browser.get(AT)
    connect(site, 60)
    allow(site, *(f"system-{number}" for number in range(0, 60, 6)), tools=10)
    browser.get(AT)
    with statements(site) as many:
        found = browser.get(AT)
    assert len(many) <= len(few)
    assert len(found.content) < 150_000


def test_tools_come_when_a_connection_is_opened_and_nothing_twice(many: Site):
    html = many.browser().get(AT).text
    assert 'value="system-7.act_3"' not in html
    assert 'value="erp.list_bills"' in html
    link = re.search(r'hx-get="([^"]*tools\?slot=system-7)"', html)
    assert link
    more = many.browser().get(unescape(link[1]), headers=HTMX).text
    assert more.count('name="allow"') == 20
    link = re.search(r'hx-get="([^"]*tools\?slot=erp&amp;but=[^"]*)"', html)
    assert link
    more = many.browser().get(unescape(link[1]), headers=HTMX).text
    assert 'value="erp.list_bills"' not in more
    assert 'name="allow"' in more
    # Without script the link is an address of its own.
    assert 'value="system-7.act_3"' in many.browser().get(f"{AT}?open=system-7").text
    assert many.browser().get(f"{AT}/tools?slot=nothing", headers=HTMX).status_code == 404


def test_what_is_not_on_the_page_stays_as_it_is(many: Site):
    allow(many, "system-1", "system-2", "system-3", max_calls=3)
    before = saved(many).body["tools"]
    form = opened(many)
    assert len(form["tool-shown"]) <= ROWS_SHOWN
    assert many.browser().post(AT, data=form | {"sop": ["# GOAL\nOther."]}).status_code == 303
    assert saved(many).body["tools"] == before


def test_a_tool_of_a_connection_that_was_opened_is_added_and_one_on_the_page_taken_away(many: Site):
    more = many.browser().get(f"{AT}/tools?slot=system-7", headers=HTMX).text
    opened_later = form_of(f'<form id="draft">{more}</form>')
    form = opened(many)
    first, *rest = form["allow"]
    form = form | opened_later
    form["tool-shown"] = opened(many)["tool-shown"] + opened_later["tool-shown"]
    form["allow"] = [*rest, "system-7.act_3"]
    form["max.system-7.act_3"] = ["2"]
    assert many.browser().post(AT, data=form).status_code == 303
    slots = {slot["slot"]: [entry["tool"] for entry in slot["allow"]] for slot in saved(many).body["tools"]}
    assert slots["system-7"] == ["act_3"]
    assert first.partition(".")[2] not in slots.get("erp", [])


def test_a_refused_form_comes_back_with_everything_that_was_chosen(many: Site):
    allow(many, "system-1", "system-2")
    form = opened(many)
    chosen = [f"system-9.act_{number}" for number in range(20)]
    form["tool-shown"] = [*form["tool-shown"], *chosen]
    taken = form["allow"][-1]
    form["allow"] = [*form["allow"][:-1], *chosen]
    form["sop"] = ["x" * 1_000_001]
    again = many.browser().post(AT, data=form)
    assert again.status_code == 422
    back = form_of(again.text)
    assert set(chosen) <= set(back["allow"])
    assert taken in back["tool-shown"]
    assert taken not in back["allow"]


def test_the_other_words_come_by_themselves(many: Site):
    html = many.browser().get(AT).text
    assert f'data-words-at="{AT}/words"' in html
    words = many.browser().get(f"{AT}/words").json()["@"]
    assert "@system-59.act_19" in words
    assert not words[0].startswith("@system")
    assert many.browser("rosa").get("/w/northwind/agents/nobody/edit/words").status_code == 404
