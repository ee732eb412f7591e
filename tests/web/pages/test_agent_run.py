"""Run now."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from signoff.settings import Settings
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Run
from signoff.tables.session import Store
from signoff.web.forms import Form
from signoff.web.pages.agent_run.fields import input_fields, input_from, skeleton
from tests.web.kit_pages import HTMX, pages_app
from tests.web.pages.conftest import Site
from tests.web.seed import seed

AT = "/w/northwind/agents/supplier-mail/run"


def once(html: str) -> str:
    found = re.search(r'name="once" value="([^"]*)"', html)
    assert found
    return found[1]


def newest(site: Site) -> Run:
    with site.store.read() as session:
        return session.query(Run).order_by(Run.created_at.desc(), Run.id.desc()).limit(1).one()


def test_a_run_begins_with_what_serves_and_its_page_follows(site: Site):
    form = site.browser().get(AT).text
    assert "What serves here: revision 3" in form
    sent = {"once": once(form), "environment": "production", "mode": "live", "way": "fields", "in.message_id": "m-1"}
    started = site.browser().post(AT, data=sent)
    run = newest(site)
    assert (started.status_code, started.headers["location"]) == (303, f"/w/northwind/runs/{run.id}")
    assert (run.state, run.revision_number, run.input) == ("queued", 2, {"message_id": "m-1"})
    assert (run.origin, run.mode, run.source) == ("production", "live", "manual")
    with site.store.read() as session:
        messages = session.query(OutboxMessage).filter_by(kind="run.start").all()
    assert [message.payload["run_id"] for message in messages] == [run.id]
    # Sent twice by an impatient finger, it starts once.
    assert site.browser().post(AT, data=sent).headers["location"] == f"/w/northwind/runs/{run.id}"


def test_a_pinned_revision_and_the_sandbox_are_trials(site: Site):
    sent = {"environment": "production", "revision": "1", "mode": "sandbox", "way": "fields", "in.message_id": "m"}
    assert site.browser().post(AT, data=sent).status_code == 303
    run = newest(site)
    assert (run.revision_number, run.mode, run.origin) == (1, "sandbox", "test")


def test_an_input_that_does_not_fit_is_said_beside_its_field(site: Site):
    refused = site.browser().post(AT, data={"environment": "staging", "way": "fields", "in.message_id": ""})
    assert refused.status_code == 422
    assert re.search(r'id="f-in.message_id-error">[^<]+', refused.text)
    broken = site.browser().post(AT, data={"environment": "staging", "way": "json", "input": '{"message_id": '})
    assert broken.status_code == 422
    assert "Line 1, column 16" in broken.text
    assert "{&#34;message_id&#34;: </textarea>" in broken.text
    other = site.browser().post(AT, data={"environment": "staging", "way": "json", "input": '{"id": "x"}'})
    assert other.status_code == 422
    assert "message_id" in other.text
    with site.store.read() as session:
        assert session.query(OutboxMessage).filter_by(kind="run.start").count() == 0


def test_a_disabled_agent_rejects_the_run_and_says_so(site: Site):
    assert site.browser().post("/w/northwind/agents/supplier-mail/disable", data={}).status_code == 303
    assert "This agent is disabled" in site.browser().get(AT).text
    browser = site.browser()
    sent = browser.post(AT, data={"environment": "production", "way": "fields", "in.message_id": "m"})
    assert sent.status_code == 303
    assert newest(site).state == "rejected"


def test_the_form_follows_the_choice(site: Site):
    answer = site.browser().get(f"{AT}?environment=production&revision=1&mode=sandbox", headers=HTMX)
    assert "<html" not in answer.text
    assert "Run in the sandbox" in answer.text
    assert "Revision 1." in answer.text


def test_the_mailbox_is_offered(store: Store, settings: Settings, tmp_path: Path):
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / "1.eml").write_bytes(
        b"From: a@b.example\r\nSubject: Invoice <b>7</b>\r\nMessage-ID: <7@b.example>\r\n"
        b"Date: Mon, 9 Nov 2026 11:19:00 +0100\r\n\r\nHi"
    )
    own = settings.model_copy(update={"mail_roots": [tmp_path]})
    site = Site(pages_app(store, own), store, seed(store, mail_folder=str(folder)))
    with site.browser() as browser:
        first = browser.get(AT).text
        assert "Reading Invoice inbox" in first
        shown = browser.get(f"{AT}/messages?environment=staging", headers=HTMX).text
        assert "Invoice &lt;b&gt;7&lt;/b&gt;" in shown
        assert re.search(r'type="radio" name="in.message_id" value="[^"]+" checked', shown)
        whole = browser.get(f"{AT}?environment=staging&messages=1").text
        assert "Invoice &lt;b&gt;7&lt;/b&gt;" in whole
        # The run is called by the subject of the message that was picked.
        picked = re.search(r'type="radio" name="in.message_id" value="([^"]+)"', shown)
        assert picked
        sent = {"environment": "staging", "way": "fields", "in.message_id": picked[1]}
        assert browser.post(AT, data={**sent, f"subject.{picked[1]}": "Invoice <b>7</b>"}).status_code == 303
    assert newest(site).title == "Invoice <b>7</b>"


def test_a_mailbox_that_cannot_be_read_leaves_a_field(site: Site):
    shown = site.browser().get(f"{AT}/messages?environment=staging", headers=HTMX).text
    assert "The mailbox could not be listed" in shown
    assert 'name="in.message_id"' in shown


def test_who_may(site: Site):
    assert "You may look, not run" in site.browser("rosa").get(AT).text
    assert site.browser("rosa").post(AT, data={"way": "fields", "in.message_id": "m"}).status_code == 403
    sent = {"environment": "staging", "way": "fields", "in.message_id": "m"}
    assert site.browser("tomasz").post(AT, data=sent).status_code == 303
    assert newest(site).requested_by == site.seeded.people["tomasz"].id
    assert "nothing to run yet" in site.browser().get("/w/northwind/agents/refund-triage/run").text


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["count", "kind"],
    "properties": {
        "count": {"type": "integer"},
        "kind": {"enum": ["a", 2, None]},
        "is_urgent": {"type": "boolean"},
        "note": {"type": "string", "maxLength": 2000},
    },
}


def test_fields_come_from_a_flat_schema_and_values_keep_their_kind():
    fields = input_fields(SCHEMA, has_mailbox=False)
    assert fields is not None
    assert [field.kind for field in fields] == ["number", "choice", "yes-no", "long"]
    form = Form({"in.count": ("12",), "in.kind": ("2",), "in.is_urgent": ("yes",), "in.note": ("",)})
    assert input_from(form, fields, "fields") == {"count": 12, "kind": 2, "is_urgent": True}
    assert input_from(Form({"in.count": ("twelve",)}), fields, "fields") == {"count": "twelve", "is_urgent": False}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        {"type": "array"},
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"type": "object", "properties": {"a": True}},
    ],
)
def test_any_other_schema_is_filled_in_as_json(schema: dict[str, Any] | None):
    assert input_fields(schema, has_mailbox=True) is None
    assert skeleton(schema).startswith("{")
