"""The agents that a draft may call, in the editor's form."""

from __future__ import annotations

import re
from typing import Any

from signoff.agents.queries import draft_of
from signoff.web.pages.agent_editor.findings import anchor_of
from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site
from tests.web.pages.test_agent_editor import AT, opened
from tests.web.seed import body

PRICES = {"agent": "vendor-watch", "tool": "ask_prices"}
PINNED = {**PRICES, "tool": "ask_old", "revision": 1, "max_calls": 2, "description": "Old prices.", "colour": "red"}


def put(site: Site, entries: Any, **limits: int) -> None:
    """Let the draft have these sub-agents, in whatever shape."""
    from signoff.tables.agents import Agent, Draft

    with site.store.write() as session:
        agent = session.query(Agent).filter_by(id=site.seeded.agents["supplier-mail"]).one()
        draft = session.query(Draft).filter_by(agent_id=agent.id).one()
        draft.body = {**body(), "sub_agents": entries, "limits": {**body()["limits"], **limits}}


def now(site: Site) -> dict[str, Any]:
    with site.store.read() as session:
        return draft_of(session, site.seeded.owner, "supplier-mail").body


def test_a_draft_without_any_gets_its_first(site: Site):
    form = opened(site)
    assert form["sub-agent.0"] == [""]
    form |= {"sub-agent.0": ["vendor-watch"], "sub-tool.0": ["ask_prices"]}
    assert site.browser().post(AT, data=form).status_code == 303
    assert now(site)["sub_agents"] == [PRICES]
    assert opened(site)["sub-agent.1"] == [""]


def test_saving_keeps_what_the_form_does_not_know_and_the_limits_of_families(site: Site):
    put(site, [PRICES, PINNED], sub_agent_depth=2, sub_agent_runs=5)
    form = opened(site)
    assert (form["sub-revision.1"], form["sub-max_calls.1"]) == (["1"], ["2"])
    assert site.browser().post(AT, data={**form, "sop": ["# GOAL\nNew."]}).status_code == 303
    found = now(site)
    assert found["sub_agents"] == [PRICES, PINNED]
    assert (found["limits"]["sub_agent_depth"], found["limits"]["sub_agent_runs"]) == (2, 5)


def test_entries_are_changed_and_taken_out(site: Site):
    put(site, [PRICES, PINNED])
    form = opened(site) | {"sub-drop": ["0"], "sub-revision.1": [""], "sub-max_calls.1": ["many"]}
    assert site.browser().post(AT, data=form).status_code == 303
    (left,) = now(site)["sub_agents"]
    assert left == {**PRICES, "tool": "ask_old", "max_calls": "many", "description": "Old prices.", "colour": "red"}


def test_the_checks_lead_to_the_field(site: Site):
    form = opened(site) | {"sub-agent.0": ["vendor-watch"], "sub-tool.0": ["ask_person"], "sub-revision.0": ["99"]}
    html = site.browser().post(f"{AT}/checks", data=form, headers=HTMX).text
    assert "ask_person is a tool of Signoff&#39;s own" in html
    for anchor in ("f-sub-tool.0", "f-sub-revision.0"):
        assert f'href="#{anchor}"' in html
        assert f'id="{anchor}"' in site.browser().get(AT).text
    assert anchor_of("sub_agents", {}) == "sub_agents"
    assert anchor_of("sub_agents[0]", {"sub_agents": [PRICES]}) == "sub_agents-0"


def test_what_no_row_can_show_is_json(site: Site):
    put(site, {"vendor-watch": "ask"})
    html = site.browser().get(AT).text
    assert "These sub-agents have no shape the form can show" in html
    assert site.browser().post(AT, data=opened(site) | {"sub_agents": ["[broken"]}).status_code == 303
    assert now(site)["sub_agents"] == "[broken"
    assert site.browser().post(AT, data=opened(site) | {"sub_agents": ["[]"]}).status_code == 303
    assert now(site)["sub_agents"] == []


def test_an_agent_is_not_offered_itself_and_a_missing_one_stays_named(site: Site):
    put(site, [{"agent": "gone-agent", "tool": "ask_gone"}])
    options = re.search(r'name="sub-agent.0"[^>]*>(.*?)</select>', site.browser().get(AT).text, re.DOTALL)
    assert options is not None
    assert '<option value="gone-agent" selected>' in options[1]
    assert 'value="supplier-mail"' not in options[1]
