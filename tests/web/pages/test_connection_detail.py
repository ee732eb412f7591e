"""One connection: test, discover, accept, class, freeze, disable, disconnect, edit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from signoff.connections.actions import create_connection, record_discovery
from signoff.connections.labels import ToolLabels
from signoff.connections.queries import connection, tools_of
from signoff.connections.views import ToolRow
from signoff.connectors.protocol import ToolSpec
from signoff.freezes.queries import active_freezes
from signoff.tables.connections import Secret
from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions

OTHER = ToolSpec(
    "post_bill", "Post a bill and pay it at once.", {"type": "object", "properties": {"now": {"type": "boolean"}}},
    None, {"readOnlyHint": False},
)  # fmt: skip
NEW = ToolSpec("find_vendor", "Find a <b>vendor</b>.", {"type": "object"}, None, {"readOnlyHint": True})


@pytest.fixture
def erp(site: Site) -> str:
    return site.seeded.connections["production/erp"]


@pytest.fixture
def folder(site: Site, tmp_path: Path) -> tuple[str, Path]:
    """A connection to a folder of mail that is there."""
    inbox = tmp_path / "in"
    inbox.mkdir()
    site.app.state.house.settings.mail_roots = [tmp_path]
    with site.store.write() as session:
        made = create_connection(
            session, site.seeded.owner, environment_id=site.seeded.environments["production"], slug="box", name="Box",
            kind="mail", config={"folder": str(inbox)},
        )  # fmt: skip
    return made, inbox


def at(site: Site, connection_id: str, rest: str = "") -> str:
    return f"{site.base}/connections/{connection_id}{rest}"


def tool(site: Site, connection_id: str, name: str) -> ToolRow:
    with site.store.read() as session:
        return next(one for one in tools_of(session, site.seeded.owner, connection_id) if one.name == name)


def state(site: Site, connection_id: str) -> str:
    with site.store.read() as session:
        return connection(session, site.seeded.owner, connection_id).row.state


def actions(site: Site) -> list[str]:
    with site.store.read() as session:
        return audit_actions(session, site.seeded)


def offer(site: Site, connection_id: str, *specs: ToolSpec) -> None:
    known = [ToolSpec(**row.definition) for row in _tools(site, connection_id)]
    kept = [spec for spec in known if spec.name not in {one.name for one in specs} | {"void_bill"}]
    with site.store.write() as session:
        record_discovery(session, site.seeded.owner, connection_id, specs=[*kept, *specs])


def _tools(site: Site, connection_id: str) -> tuple[ToolRow, ...]:
    with site.store.read() as session:
        return tools_of(session, site.seeded.owner, connection_id)


def test_it_shows_where_it_leads_its_tools_and_who_uses_it(site: Site, erp: str):
    html = site.browser().get(at(site, erp)).text
    for word in ("https://erp.northwind.example/mcp", "post_bill", "Supplier mail", "ERP_TOKEN", "Healthy", "live"):
        assert word in html
    assert '<option value="write" selected>Writes</option>' in html


def test_of_another_workspace_it_is_not_there(site: Site, erp: str):
    assert site.browser().get(at(site, "con_nowhere")).status_code == 404
    assert site.browser().post(at(site, "con_nowhere", "/disable")).status_code == 404
    assert site.visitor().get(at(site, erp)).status_code == 303


def test_a_test_that_succeeds_says_so_and_how_long(site: Site, folder: tuple[str, Path]):
    made, _ = folder
    answer = site.browser().post(at(site, made, "/test"), headers=HTMX)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert re.search(r"It took [\d.]+ (ms|s)", answer.text)
    assert "Healthy" in answer.text
    with site.store.read() as session:
        row = connection(session, site.seeded.owner, made).row
    assert (row.health, row.checked_at is not None) == ("ok", True)
    assert site.browser().post(at(site, made, "/test")).headers["location"] == at(site, made)


def test_a_test_that_fails_is_an_answer_in_words(site: Site, folder: tuple[str, Path]):
    made, inbox = folder
    inbox.rmdir()
    answer = site.browser().post(at(site, made, "/test"), headers=HTMX)
    assert answer.status_code == 200
    for word in ("It does not work", "is not there", "Failing", "Broken since"):
        assert word in answer.text


def test_discovering_lists_and_accepts_the_first_tools(site: Site, folder: tuple[str, Path]):
    made, _ = folder
    browser = site.browser()
    assert "No tools known yet" in browser.get(at(site, made)).text
    answer = browser.post(at(site, made, "/discover"), headers=HTMX)
    assert "found and accepted" in answer.text
    assert tool(site, made, "read_message").state == "accepted"
    assert "No tool has changed" in browser.post(at(site, made, "/discover"), headers=HTMX).text


def test_asking_one_that_is_off_is_refused_on_the_page(site: Site, folder: tuple[str, Path]):
    made, _ = folder
    browser = site.browser()
    assert browser.post(at(site, made, "/disable"), data={"reason": "x"}).status_code == 303
    answer = browser.post(at(site, made, "/test"))
    assert answer.status_code == 409
    assert "Enable it first" in answer.text
    assert "X-Message" in browser.post(at(site, made, "/discover"), headers=HTMX).headers


def test_a_changed_tool_shows_the_difference_and_waits(site: Site, erp: str):
    offer(site, erp, OTHER, NEW)
    html = site.browser().get(at(site, erp)).text
    waiting = html.split('id="waiting"')[1].split('id="tools"')[0]
    assert "2 tools to look at" in waiting
    assert re.search(r'<tr class="d-add">.*pay.*</tr>', waiting)
    assert re.search(r'<tr class="d-del">', waiting)
    assert "Find a &lt;b&gt;vendor" in waiting
    assert "No longer offered" in html
    assert "Tools changed" in html


def test_accepting_pins_what_was_looked_at(site: Site, erp: str):
    offer(site, erp, OTHER)
    browser = site.browser()
    seen = {"tool": "post_bill", "definition_hash": OTHER.hash}
    stale = browser.post(at(site, erp, "/accept"), data={**seen, "definition_hash": "0" * 64})
    assert stale.status_code == 409
    assert "changed again" in stale.text
    assert tool(site, erp, "post_bill").state == "changed"
    answer = browser.post(at(site, erp, "/accept"), data=seen, headers=HTMX)
    assert "post_bill is accepted" in answer.text
    found = tool(site, erp, "post_bill")
    assert (found.state, found.definition_hash) == ("accepted", OTHER.hash)
    assert actions(site)[-1] == "tool.accepted"
    assert browser.post(at(site, erp, "/accept"), data=seen).status_code == 409


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_class_of_a_tool_is_set(site: Site, erp: str, headers: dict[str, str]):
    data = {"tool": "post_bill", "effect": "irreversible", "is_idempotent": "yes"}
    answer = site.browser().post(at(site, erp, "/effect"), data=data, headers=headers)
    assert answer.status_code == (200 if headers else 303)
    found = tool(site, erp, "post_bill")
    assert (found.effect, found.is_idempotent, found.effect_source) == ("irreversible", True, "person")
    site.browser().post(at(site, erp, "/effect"), data={"tool": "post_bill", "effect": "send"}, headers=headers)
    assert tool(site, erp, "post_bill").is_idempotent is False


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_class_milder_than_the_tool_says_is_refused_at_the_tool(site: Site, erp: str, headers: dict[str, str]):
    data = {"tool": "post_bill", "effect": "read"}
    answer = site.browser().post(at(site, erp, "/effect"), data=data, headers=headers)
    assert answer.status_code == 422
    row = answer.text.split(f'id="{tool(site, erp, "post_bill").id}"')[1].split("</tr>")[0]
    assert "its class is at least write" in row
    assert tool(site, erp, "post_bill").effect == "write"


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_flows_through_a_tool_is_said(site: Site, erp: str, headers: dict[str, str]):
    data = {"tool": "post_bill", "result": "trusted", "confidentiality": "restricted", "no_target": "yes"}
    answer = site.browser().post(at(site, erp, "/labels"), data=data, headers=headers)
    assert answer.status_code == (200 if headers else 303)
    assert tool(site, erp, "post_bill").labels == ToolLabels("trusted", "restricted", ())
    assert "Results are trusted and restricted; it has one target" in site.browser().get(at(site, erp)).text
    assert actions(site)[-1] == "tool.labels_set"


def test_labels_that_cannot_be_are_refused_at_the_tool(site: Site, erp: str):
    data = {"tool": "post_bill", "result": "untrusted", "confidentiality": "public", "sinks": "nobody_knows"}
    answer = site.browser().post(at(site, erp, "/labels"), data=data)
    assert answer.status_code == 422
    row = answer.text.split(f'id="{tool(site, erp, "post_bill").id}"')[1].split("</tr>")[0]
    assert "no argument nobody_knows" in row
    assert tool(site, erp, "post_bill").labels == ToolLabels()


def test_a_definition_comes_alone_or_as_a_page(site: Site, erp: str):
    browser = site.browser()
    address = at(site, erp, "/definition?tool=post_bill")
    assert "input_schema" in browser.get(address).text
    alone = browser.get(address, headers=HTMX).text
    assert "input_schema" in alone
    assert "<html" not in alone
    assert browser.get(at(site, erp, "/definition?tool=nothing")).status_code == 404


def test_writing_is_frozen_with_a_reason_and_lifted(site: Site, erp: str):
    browser = site.browser()
    assert browser.post(at(site, erp, "/freeze"), data={"reason": " "}).status_code == 422
    assert browser.post(at(site, erp, "/freeze"), data={"reason": "The ERP moves"}).status_code == 303
    with site.store.read() as session:
        (freeze,) = active_freezes(session, site.seeded.owner)
    assert (freeze.scope, freeze.target_id, freeze.reason) == ("connection", erp, "The ERP moves")
    assert "The ERP moves" in browser.get(at(site, erp)).text
    again = browser.post(at(site, erp, "/freeze"), data={"reason": "Twice"})
    assert again.status_code == 409
    assert "Twice" in again.text or "frozen already" in again.text
    assert browser.post(at(site, erp, "/lift"), data={"freeze": freeze.id}).status_code == 303
    assert browser.post(at(site, erp, "/lift"), data={"freeze": freeze.id}).status_code == 409
    with site.store.read() as session:
        assert active_freezes(session, site.seeded.owner) == []


def test_it_is_disabled_enabled_and_ended(site: Site, erp: str):
    browser = site.browser()
    page = browser.get(at(site, erp)).text
    assert "would miss it" in page.split('id="disable"')[1]
    assert f'href="{at(site, erp, "/disconnect")}"' in page
    for verb, after in (("disable", "disabled"), ("enable", "active"), ("disconnect", "disconnected")):
        assert browser.post(at(site, erp, f"/{verb}"), data={"reason": "why not"}).status_code == 303
        assert state(site, erp) == after
        assert actions(site)[-1] == f"connection.{verb}{'ed' if verb == 'disconnect' else 'd'}"
    with site.store.read() as session:
        assert session.query(Secret).filter_by(connection_id=erp).count() == 0
    ended = browser.get(at(site, erp))
    assert ended.status_code == 200
    assert "Disconnected" in ended.text
    assert "/disconnect" not in ended.text
    assert browser.post(at(site, erp, "/enable")).status_code == 409


@pytest.mark.parametrize(
    "verb", ["test", "discover", "accept", "effect", "labels", "disable", "disconnect", "freeze", "edit"]
)
def test_who_only_looks_changes_nothing(site: Site, erp: str, verb: str):
    browser, before = site.browser("rosa"), actions(site)
    assert browser.get(at(site, erp)).status_code == 200
    data: dict[str, Any] = {"tool": "post_bill", "effect": "read", "reason": "x", "definition_hash": "0", "name": "x"}
    assert browser.post(at(site, erp, f"/{verb}"), data=data).status_code == 403
    assert actions(site) == before


def test_who_only_looks_sees_no_buttons(site: Site, erp: str):
    html = site.browser("rosa").get(at(site, erp)).text
    assert "<form" not in html.split('id="connection"')[1].split("</main>")[0]
    assert "Your role does not see secrets" in html


def test_editing_keeps_what_is_not_in_the_way_and_locks_secrets_on_another_host(site: Site, erp: str):
    browser = site.browser()
    form = browser.get(at(site, erp, "/edit")).text
    version = re.search(r'name="version" value="(\d+)"', form)
    assert version
    assert 'value="https://erp.northwind.example/mcp"' in form
    stale = {"name": "ERP 2", "url": "https://new.example/mcp", "headers": "X-A: {{secret.NEXT}}", "version": "99"}
    refused = browser.post(at(site, erp, "/edit"), data=stale)
    assert refused.status_code == 409
    assert 'value="https://new.example/mcp"' in refused.text
    done = browser.post(at(site, erp, "/edit"), data={**stale, "version": version[1]})
    assert done.headers["location"] == at(site, erp)
    shown = browser.get(at(site, erp)).text
    for word in ("ERP 2", "new.example", "Enter NEXT", "It leads elsewhere"):
        assert word in shown
