"""What the card of a request says about the messages that went out, and seeing to one that is overdue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.tables.approvals import Approval
from signoff.tables.notices import ApprovalDelivery
from tests.web.pages import kit_asks
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions


def message(
    session: Session,
    site: Site,
    approval: str,
    kind: str,
    state: str,
    error: str | None = None,
    *,
    minutes_ago: int = 0,
) -> None:
    moment = clock.now() - timedelta(minutes=minutes_ago)
    session.add(
        ApprovalDelivery(
            # Of one millisecond, ids are in no order.
            id=ids.first_at("dlv", moment) if minutes_ago else ids.new_id("dlv"),
            workspace_id=site.seeded.workspace_id, approval_id=approval, event="requested",
            target=ids.new_id("x"), channel_id=None, member_id=site.seeded.people["mei"].id, kind=kind, state=state,
            attempts=1, last_error=error, due_at=moment, made_at=moment, ended_at=moment,
        )
    )  # fmt: skip
    session.flush()


def asked(site: Site, **more: Any) -> str:
    with site.store.write() as session:
        return kit_asks.ask(session, site.seeded, **more)


def is_degraded(site: Site, approval: str) -> bool:
    with site.store.read() as session:
        return session.get_one(Approval, approval).is_degraded


def test_the_card_says_who_was_told_and_what_failed_in_the_inbox_and_in_the_run(site: Site):
    approval = asked(site)
    at = f"{site.base}/inbox/{approval}"
    assert "Who was told" not in site.browser().get(at).text
    with site.store.write() as session:
        message(session, site, approval, "mail", "sent")
        message(session, site, approval, "slack", "failed", "The address answered <404>.")
        run = session.get_one(Approval, approval).run_id
    for address in (at, f"{site.base}/runs/{run}"):
        html = site.browser().get(address).text
        assert "Told by mail to Mei Tanaka, " in html
        assert "Slack to Mei Tanaka failed, " in html
        assert ": The address answered &lt;404&gt;." in html


def test_of_many_messages_the_newest_are_shown_and_the_rest_counted(site: Site):
    approval = asked(site)
    with site.store.write() as session:
        for ago, kind in enumerate(("slack", "mail", "mail", "mail", "webhook"), start=1):
            message(session, site, approval, kind, "sent", minutes_ago=ago)
    html = site.browser().get(f"{site.base}/inbox/{approval}").text
    assert "Told by Slack to" in html
    assert "Told by a webhook" not in html
    assert "and 1 earlier message" in html


def test_somebody_sees_to_an_overdue_request_and_it_goes_on_waiting(site: Site):
    approval = asked(site, is_degraded=True)
    at = f"{site.base}/inbox/{approval}"
    assert f'action="{at}/acknowledge"' in site.browser().get(at).text
    done = site.browser().post(f"{at}/acknowledge", data={"back": "whose=all"})
    assert (done.status_code, done.headers["location"]) == (303, f"{at}?whose=all")
    assert not is_degraded(site, approval)
    assert f'action="{at}/acknowledge"' not in site.browser().get(at).text
    with site.store.read() as session:
        assert session.get_one(Approval, approval).state == "pending"
        assert "approval.acknowledged" in audit_actions(session, site.seeded)
    assert site.browser().post(f"{at}/acknowledge").status_code == 409


def test_from_the_run_it_leads_back_to_the_run(site: Site):
    approval = asked(site, is_degraded=True)
    with site.store.read() as session:
        run = session.get_one(Approval, approval).run_id
    done = site.browser().post(f"{site.base}/inbox/{approval}/acknowledge", data={"place": "run"})
    assert done.headers["location"] == f"{site.base}/runs/{run}"


def test_who_only_looks_acknowledges_nothing(site: Site):
    approval = asked(site, is_degraded=True)
    at = f"{site.base}/inbox/{approval}"
    assert "/acknowledge" not in site.browser("rosa").get(at).text
    assert site.browser("rosa").post(f"{at}/acknowledge").status_code in (403, 404)
    assert is_degraded(site, approval)
