"""Under maintenance every change is refused with 503 and told when to come back; everything can be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update

from signoff.freezes.maintenance import begin, end
from signoff.record.actor import Actor
from signoff.tables.people import Person
from signoff.tables.record import AuditRow
from signoff.tables.runs import Run
from tests.api.sweep import ask, operations
from tests.api.world import World

BY = Actor("system", "system", "operator ann")


@pytest.fixture
def quick(world: World) -> World:
    """A world whose process looks with every request."""
    world.house.lookout.kept_seconds = 0
    return world


def order(world: World, minutes: int | None = None) -> None:
    with world.store.write() as session:
        begin(session, BY, reason="A new disk.", minutes=minutes)


def lift(world: World) -> None:
    with world.store.write() as session:
        end(session, BY)


def count(world: World) -> tuple[int, int]:
    with world.store.read() as session:
        runs = session.scalar(select(func.count()).select_from(Run)) or 0
        return runs, session.scalar(select(func.count()).select_from(AuditRow)) or 0


def test_a_change_is_refused_and_done_once_it_is_over(quick: World) -> None:
    order(quick, minutes=10)
    before = count(quick)
    with quick.client(key=quick.keys["admin"]) as client:
        refused = client.post("/v1/acme/agents/helper:execute", json={"input": "hello"})
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert 590 <= int(refused.headers["retry-after"]) <= 601
        assert refused.json()["code"] == "maintenance"
        assert "A new disk." in refused.json()["detail"]
        assert count(quick) == before
        lift(quick)
        assert client.post("/v1/acme/agents/helper:execute", json={"input": "hello"}).status_code == 202
    assert count(quick)[0] == before[0] + 1


def test_no_operation_that_may_change_something_is_let_by(quick: World) -> None:
    order(quick)
    before = count(quick)
    let_by: list[str] = []
    with quick.client(key=quick.keys["admin"]) as client:
        for operation in operations():
            if operation.method == "get":
                continue
            answer = ask(quick, client, operation)
            if (answer.status_code, answer.json().get("code")) != (503, "maintenance"):
                let_by.append(f"{operation.method} {operation.path}: {answer.status_code}")
    assert let_by == []
    assert count(quick) == before


def test_everything_can_be_read_and_every_page_says_why_nothing_can_be_changed(quick: World) -> None:
    order(quick)
    with quick.client(session=quick.tokens["owner"]) as client:
        assert client.get("/v1/acme/runs").status_code == 200
        page = client.get("/w/acme/runs")
        assert page.status_code == 200
        assert "Signoff is under maintenance: A new disk." in page.text
        refused = client.post("/w/acme/agents/helper/pause", data={"reason": "x"}, headers={"Accept": "text/html"})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
        assert "Under maintenance" in refused.text
        assert "was not done" in refused.text
        partial = client.post(
            "/w/acme/agents/helper/pause", headers={"HX-Request": "true", "HX-Request-Type": "partial"}
        )
        assert "maintenance" in partial.headers["x-message"]
        lift(quick)
        assert "under maintenance" not in client.get("/w/acme/runs").text


@pytest.mark.parametrize("path", ["/oauth/callback?state=x&code=y", "/sign-in/sso/acme/callback?state=x&code=y"])
def test_a_provider_that_leads_back_changes_nothing(quick: World, path: str) -> None:
    order(quick)
    with quick.client() as client:
        assert client.get(path).status_code == 503


def test_the_orchestration_form_is_told_in_its_own_way(quick: World) -> None:
    order(quick)
    with quick.client(key=quick.keys["admin"]) as client:
        told = client.post("/v1/orchestrations/run", json={}).json()
    assert (told["ok"], told["error"]["code"], told["code"]) == (False, "maintenance", "maintenance")


def test_only_the_button_that_ends_it_is_not_held_and_only_for_who_administers_the_installation(quick: World) -> None:
    order(quick)
    ends = "/w/acme/instance/operation/maintenance/end"
    with quick.client(session=quick.tokens["owner"]) as client:
        assert client.post("/w/acme/instance/operation/maintenance", data={"reason": "x"}).status_code == 503
        assert client.put(ends).status_code == 503
        assert client.post(f"{ends}/more").status_code == 503
        assert client.post(ends, follow_redirects=False).status_code == 403
        assert client.get("/v1/health/ready", params={"part": "database"}).json()["maintenance"] is not None
        with quick.store.write() as session:
            session.execute(update(Person).values(is_instance_administrator=True))
        assert client.post(ends, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert client.post(ends, follow_redirects=False).status_code == 303
        assert client.post("/v1/acme/agents/helper:execute", json={"input": "hello"}).status_code == 202


def test_health_stays_what_it_is_and_says_that_there_is_maintenance(quick: World) -> None:
    with quick.client() as client:
        assert client.get("/v1/health/ready", params={"part": "database"}).json()["maintenance"] is None
        order(quick)
        answer = client.get("/v1/health/ready", params={"part": ["database", "queue"]})
        assert answer.status_code == 200
        assert "A new disk." in answer.json()["maintenance"]


def test_it_is_read_at_most_once_a_second_and_costs_a_reading_request_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    store = world.house.lookout.store
    real: Callable[..., Any] = type(store).read_async

    async def noted(self: Any, work: Callable[..., object], *args: object, **named: object) -> object:
        if work.__name__ == "standing":
            reads.append("")
        return await real(self, work, *args, **named)

    monkeypatch.setattr(type(store), "read_async", noted)
    world.house.lookout.kept_seconds = 3_600
    with world.client(key=world.keys["admin"]) as client:
        client.get("/v1/acme/runs")
        assert reads == []
        for _ in range(3):
            client.post("/v1/acme/agents/helper/draft:lint", json={})
        assert len(reads) == 1
