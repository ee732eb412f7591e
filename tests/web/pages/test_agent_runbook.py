"""The runbook of an agent, read from what is so."""

from __future__ import annotations

from html import unescape

from signoff.agents.actions import edit_agent
from signoff.watch.runbook import escaped, runbook
from tests.web.pages.conftest import Site
from tests.web.pages.kit_switches import another_serves

AT = "/w/northwind/agents/supplier-mail"


def test_it_says_what_is_so_now(site: Site):
    before, now = another_serves(site)
    html = unescape(site.browser().get(f"{AT}/runbook").text)
    assert f"In production revision {now} serves" in html
    assert f"revision {before} served before" in html
    assert "It has just begun to serve production" in html
    assert "Build owner: Ines" in html
    assert "signoff agents pause supplier-mail" in html
    assert "signoff rollback supplier-mail --environment production" in html
    with site.store.write() as session:
        edit_agent(session, site.seeded.owner, "supplier-mail", description="Files bills that suppliers mail.")
    assert "Files bills that suppliers mail." in site.browser().get(f"{AT}/runbook").text


def test_as_markdown_it_is_a_file_in_which_what_people_wrote_stays_text(site: Site):
    with site.store.write() as session:
        edit_agent(
            session, site.seeded.owner, "supplier-mail", description="# Not a title\n<b>[click](http://x)</b> `code`"
        )
    answer = site.browser("rosa").get(f"{AT}/runbook.md")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert "runbook-supplier-mail.md" in answer.headers["content-disposition"]
    assert "\\# Not a title \\<b\\>\\[click\\](http://x)\\</b\\> \\`code\\`" in answer.text
    assert answer.text.startswith("# Runbook: Supplier mail\n")


def test_markdown_finds_nothing_of_its_own_in_a_line():
    assert escaped("a *b* _c_\n| d ~e~ !f") == "a \\*b\\* \\_c\\_ \\| d \\~e\\~ \\!f"


def test_who_may_not_see_runs_is_told_that_figures_are_hidden(site: Site):
    narrow = site.seeded.owner
    with site.store.read() as session:
        lines = [line for part in runbook(session, narrow, "supplier-mail").sections for line in part.lines]
    assert any("runs in the last 30 days" in line or "has not run" in line for line in lines)
