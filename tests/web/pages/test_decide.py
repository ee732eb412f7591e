"""The link of a mail: looking changes nothing, answering works once, as one member, for one request."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signoff.approvals.actions import decide
from signoff.approvals.links import make_link
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.tables.approvals import Approval
from signoff.tables.people import Member, Workspace
from tests.rooms.approvals.kit_approvals import Desk, make_desk
from tests.web.pages.conftest import Site


@pytest.fixture
def desk(empty_site: Site) -> Desk:
    return make_desk(empty_site.store)


def link(desk: Desk, approval: str, who: Principal) -> str:
    with desk.store.write() as session:
        token = make_link(session, session.get_one(Approval, approval), who.id)
    assert token is not None
    return f"/decide/{token}"


def test_a_scanner_that_opens_the_link_changes_nothing(empty_site: Site, desk: Desk):
    approval = desk.asked()
    address = link(desk, approval, desk.bob)
    for _ in range(3):
        shown = empty_site.visitor().get(address)
        assert shown.status_code == 200
        assert "Pay 900" in shown.text
        assert "ap@supplier.example" in shown.text
        assert shown.headers["cache-control"] == "no-store"
        assert shown.headers["referrer-policy"] == "no-referrer"
    assert empty_site.visitor().head(address).status_code in (200, 405)
    assert desk.row(approval).state == "pending"


def test_without_a_session_it_answers_as_that_member_once_and_then_says_who(empty_site: Site, desk: Desk):
    approval = desk.asked()
    address = link(desk, approval, desk.bob)
    answered = empty_site.visitor().post(address, data={"verdict": "approve", "reason": "Fine."})
    assert answered.status_code == 200
    row = desk.row(approval)
    assert (row.state, row.decided_by, row.via, row.reason) == ("approved", desk.bob.id, "mail", "Fine.")
    assert "set-cookie" not in answered.headers
    again = empty_site.visitor().get(address)
    assert "Bob approved it at" in again.text
    assert 'value="approve"' not in again.text
    second = empty_site.visitor().post(address, data={"verdict": "deny", "reason": "No."})
    assert second.status_code == 409
    assert desk.row(approval).state == "approved"


def test_when_another_was_first_it_says_who_and_when(empty_site: Site, desk: Desk):
    approval = desk.asked()
    address = link(desk, approval, desk.bob)
    with desk.store.write() as session:
        decide(session, desk.carol, approval, verdict="approve")
    assert empty_site.visitor().post(address, data={"verdict": "approve"}).status_code == 409
    assert "Carol approved it at" in empty_site.visitor().get(address).text


def test_a_denial_without_its_reason_is_refused_and_the_link_stays_good(empty_site: Site, desk: Desk):
    approval = desk.asked()
    address = link(desk, approval, desk.bob)
    refused = empty_site.visitor().post(address, data={"verdict": "deny"})
    assert refused.status_code == 422
    assert desk.row(approval).state == "pending"
    assert empty_site.visitor().post(address, data={"verdict": "deny", "reason": "Twice."}).status_code == 200
    assert desk.row(approval).state == "denied"


def test_it_is_bound_to_its_request_and_opens_nothing_else(empty_site: Site, desk: Desk):
    approval, other = desk.asked(), desk.asked(desk.run(desk.alice, "Second."))
    address = link(desk, approval, desk.bob)
    visitor = empty_site.visitor()
    visitor.post(address, data={"verdict": "approve", "approval": other, "approval_id": other})
    assert desk.row(other).state == "pending"
    assert visitor.get("/w/bare/runs").status_code in (302, 303)


@pytest.mark.parametrize("token", ["dec_wrong", "x" * 300, "set_abc"])
def test_a_link_that_never_was_shows_nothing(empty_site: Site, desk: Desk, token: str):
    assert desk.asked()
    assert empty_site.visitor().get(f"/decide/{token}").status_code == 410
    assert empty_site.visitor().post(f"/decide/{token}", data={"verdict": "approve"}).status_code == 410


def test_it_ends_with_its_request_and_with_its_member(empty_site: Site, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    approval = desk.asked()
    mine, hers = link(desk, approval, desk.bob), link(desk, approval, desk.carol)
    with desk.store.write() as session:
        session.get_one(Member, desk.bob.id).state = "removed"
    assert empty_site.visitor().post(mine, data={"verdict": "approve"}).status_code == 410
    late = clock.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: late)
    assert empty_site.visitor().get(hers).status_code == 410
    assert empty_site.visitor().post(hers, data={"verdict": "approve"}).status_code == 409
    assert desk.row(approval).state == "pending"


def test_where_a_second_factor_is_asked_for_a_mailbox_lets_nobody_in(empty_site: Site, desk: Desk):
    approval = desk.asked()
    address = link(desk, approval, desk.bob)
    with desk.store.write() as session:
        session.get_one(Workspace, desk.at.workspace_id).is_second_factor_required = True
    assert empty_site.visitor().get(address).status_code == 410
    assert empty_site.visitor().post(address, data={"verdict": "approve"}).status_code == 410
    with desk.store.write() as session:
        assert make_link(session, session.get_one(Approval, approval), desk.bob.id) is None
