"""What a list costs does not grow with what is in it: as many statements for many rows as for few."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from signoff.agents.actions import create_agent
from signoff.connections.actions import create_connection
from signoff.kit import clock
from tests.web.pages.conftest import Site
from tests.web.seed import run, run_id_at, secret

LISTS = (
    "", "/runs", "/runs?view=attention", "/runs?state=failed", "/runs?q=invoice", "/agents", "/inbox", "/releases",
    "/serving", "/reconciliation", "/connections", "/secrets", "/secrets/expiring", "/settings/audit",
    "/settings/members", "/settings/keys", "/settings/requests", "/settings/limits", "/settings/environments",
)  # fmt: skip


@contextmanager
def statements(site: Site) -> Iterator[list[str]]:
    """Note what is asked of the database."""
    asked: list[str] = []

    def note(*args: object) -> None:
        asked.append(str(args[2]))

    event.listen(site.store.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(site.store.engine, "before_cursor_execute", note)


def _more(site: Site) -> None:
    """Twenty more of what the lists show: runs, agents, connections with secrets."""
    with site.store.write() as session:
        agents = list(site.seeded.agents.values())
        for number in range(20):
            moment = clock.now() - timedelta(minutes=number)
            run(
                session, site.seeded, agents[0], f"Invoice {number}", ("failed", "completed")[number % 2],
                id=run_id_at(moment), needs_attention=number % 2 == 0,
            )  # fmt: skip
            create_agent(session, site.seeded.owner, slug=f"more-{number}", name=f"More {number}")
            create_connection(
                session, site.seeded.owner, environment_id=site.seeded.environments["staging"], slug=f"more-{number}",
                name=f"More {number}", kind="mcp_http", config={"url": "https://a.example/mcp"},
            )  # fmt: skip
            secret(session, site.seeded, "staging", "erp", f"MORE_{number}")


@pytest.fixture
def filled(site: Site) -> dict[str, int]:
    """How many statements each list took while there was little, and then there is more."""
    browser = site.browser()
    before: dict[str, int] = {}
    for path in LISTS:
        browser.get(f"{site.base}{path}")  # What is kept after the first time is no part of it.
        with statements(site) as asked:
            assert browser.get(f"{site.base}{path}").status_code == 200
        before[path] = len(asked)
    _more(site)
    return before


def test_no_list_asks_more_often_when_there_is_more_in_it(site: Site, filled: dict[str, int]) -> None:
    browser = site.browser()
    grown: dict[str, tuple[int, int]] = {}
    for path in LISTS:
        with statements(site) as asked:
            assert browser.get(f"{site.base}{path}").status_code == 200
        if len(asked) > filled[path] + 1:  # One may be asked for what only now has anything to show.
            grown[path] = (filled[path], len(asked))
    assert grown == {}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["/agents", "/secrets"])
def test_a_page_reads_once_what_all_its_parts_need(site: Site, path: str) -> None:
    """The session, the shell and the list ask for the workspace and the viewer, which were read a moment ago."""
    browser = site.browser()
    browser.get(f"{site.base}{path}")
    with statements(site) as asked:
        assert browser.get(f"{site.base}{path}").status_code == 200
    again = ("FROM workspaces \nWHERE workspaces.id =", "FROM people \nWHERE people.id =")
    assert [one for one in asked if any(words in one for words in again)] == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_first_page_counts_no_second_time_what_the_side_bar_counted(site: Site) -> None:
    browser = site.browser()
    browser.get(site.base)
    with statements(site) as asked:
        assert browser.get(site.base).status_code == 200
    counted = [one for one in asked if "count(*)" in one and "FROM runs" in one and "needs_attention" in one]
    assert len(counted) == 1
