"""Webhooks: made with a secret that is shown once, tested, sent again, switched off; and who gets none of it."""

from __future__ import annotations

import re

from sqlalchemy import select

from signoff.tables.webhooks import Webhook, WebhookDelivery
from signoff.webhooks import deliveries
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions

GIVEN = {"name": "Operations", "url": "https://ops.example.com/signoff", "events": ["run.failed", "alert.raised"]}


def made(site: Site) -> tuple[str, str]:
    """The address of a webhook's page, and its secret."""
    shown = site.browser().post(f"{site.base}/settings/webhooks", data=GIVEN)
    assert shown.status_code == 201
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", shown.text.replace("&#43;", "+").replace("&#x3D;", "="))
    assert secret is not None
    with site.store.read() as session:
        hook = session.scalars(select(Webhook)).one()
    return f"{site.base}/settings/webhooks/{hook.id}", secret[0]


def test_the_empty_page_says_what_a_webhook_is_for(empty_site: Site):
    shown = empty_site.browser().get(f"{empty_site.base}/settings/webhooks")
    assert "A webhook posts what happens here" in shown.text


def test_a_webhook_is_made_and_its_secret_is_shown_once(site: Site):
    browser = site.browser()
    assert "A webhook posts what happens here" in browser.get(f"{site.base}/settings/webhooks").text
    assert "run.failed" in browser.get(f"{site.base}/settings/webhooks/new").text
    at, secret = made(site)
    shown = browser.get(at)
    assert "Nothing was sent yet" in shown.text
    assert secret not in shown.text
    assert "Operations" in browser.get(f"{site.base}/settings/webhooks").text


def test_what_cannot_be_is_refused_with_what_was_typed(site: Site):
    refused = site.browser().post(f"{site.base}/settings/webhooks", data={**GIVEN, "url": "ftp://x", "events": []})
    assert refused.status_code == 422
    assert "not an http or https address" in refused.text
    assert "Operations" in refused.text
    at, _ = made(site)
    refused = site.browser().post(at, data={**GIVEN, "events": []})
    assert (refused.status_code, "at least one kind of event" in refused.text) == (422, True)


def test_it_is_changed_given_a_new_secret_switched_off_and_on_and_deleted(site: Site):
    browser = site.browser()
    at, secret = made(site)
    assert browser.post(at, data={**GIVEN, "events": ["run.completed"]}).status_code == 303
    again = browser.post(f"{at}/secret", data={"overlap": "24"})
    assert "The secret before signs as well" in again.text
    assert secret not in again.text
    assert "Two secrets sign until" in browser.get(at).text
    assert browser.post(f"{at}/disable").status_code == 303
    assert "This webhook is off" in browser.get(at).text
    assert browser.post(f"{at}/enable").status_code == 303
    assert browser.post(f"{at}/delete").status_code == 303
    assert browser.get(at).status_code == 404
    with site.store.read() as session:
        done = set(audit_actions(session, site.seeded))
    assert {
        f"webhook.{one}" for one in ("created", "changed", "secret_rotated", "disabled", "enabled", "deleted")
    } <= done


def test_a_test_is_sent_and_what_was_answered_is_shown_as_text(site: Site):
    browser = site.browser()
    at, _ = made(site)
    assert browser.post(f"{at}/test").status_code == 303
    with site.store.write() as session:
        (delivery,) = session.scalars(select(WebhookDelivery.id)).all()
        deliveries.take(session, site.app.state.house.services.vault, delivery)
        deliveries.note_answer(session, delivery, status=400, answer="<script>alert(1)</script>")
    shown = browser.get(at).text
    assert "webhook.test" in shown
    assert "400 &lt;script&gt;" in shown
    assert browser.post(f"{at}/again", data={"delivery": delivery}).status_code == 303
    assert "To be sent" in browser.get(at).text
    refused = browser.post(f"{at}/again", data={"delivery": delivery})
    assert (refused.status_code, "still on its way" in refused.text) == (409, True)


def test_who_may_not_manage_webhooks_gets_none_of_it(site: Site):
    at, _ = made(site)
    for who in ("ines", "tomasz", "rosa"):
        assert site.browser(who).get(at).status_code == 403
        assert site.browser(who).post(f"{at}/delete").status_code == 403
        assert site.browser(who).get(f"{site.base}/settings/webhooks/new").status_code == 403
    assert site.visitor().get(at).status_code in (302, 303)
