"""One revision, and starting the draft from it."""

from __future__ import annotations

from signoff.agents.actions import freeze_revision, save_draft
from signoff.agents.queries import draft_of, revision
from tests.web.pages.conftest import Site
from tests.web.pages.kit_switches import another_serves


def test_it_shows_the_whole_content(site: Site):
    html = site.browser("rosa").get(f"{site.base}/agents/supplier-mail/revisions/1").text
    for word in ("more than 2 percent", "First version, agreed", "Spends at most $0.50", "post_bill", "needs_person"):
        assert word in html
    assert "Start the draft from it" not in html
    assert site.browser().get(f"{site.base}/agents/supplier-mail/revisions/99").status_code == 404
    assert site.browser().get(f"{site.base}/agents/supplier-mail/revisions/x").status_code == 404


def test_the_draft_starts_again_from_it_unless_somebody_saved(site: Site):
    at = f"{site.base}/agents/supplier-mail/revisions/1/draft"
    with site.store.read() as session:
        version = draft_of(session, site.seeded.owner, "supplier-mail").version
    stale = site.browser().post(at, data={"version": str(version - 1)})
    assert stale.status_code == 409
    assert "Look at the draft before you replace it." in stale.text
    done = site.browser().post(at, data={"version": str(version)})
    assert (done.status_code, done.headers["location"]) == (303, f"{site.base}/agents/supplier-mail/edit")
    with site.store.read() as session:
        first = revision(session, site.seeded.owner, "supplier-mail", 1).body
        assert draft_of(session, site.seeded.owner, "supplier-mail").body == first
    assert site.browser("tomasz").post(at, data={"version": "1"}).status_code == 403


def test_its_rules_are_sentences_and_so_is_their_difference(site: Site):
    rules = {
        "windows": [{"zone": "Europe/Berlin", "holidays": ["2026-12-25"]}],
        "caps": [{"most": 10, "per": "day", "tools": ["erp.post_bill"], "until": "2026-12-11"}],
    }
    with site.store.write() as session:
        draft = draft_of(session, site.seeded.owner, "supplier-mail")
        slots = [dict(slot) for slot in draft.body["tools"]]
        slots[0]["allow"] = [
            {**tool, "values": {"message_id": {"kind": "domain", "allow": ["example.com"]}}} if number == 0 else tool
            for number, tool in enumerate(slots[0]["allow"])
        ]
        body = {**draft.body, "rules": rules, "tools": slots}
        save_draft(session, site.seeded.owner, "supplier-mail", body=body, version=draft.version)
        number = freeze_revision(session, site.seeded.owner, "supplier-mail", reason="Bounds.").number
    html = site.browser().get(f"{site.base}/agents/supplier-mail/revisions/{number}").text
    window = "Calls that change something outside are made only Monday to Friday, 08:00 to 18:00 (Europe/Berlin)"
    cap = "Calls of erp.post_bill are made at most 10 times a day, until 11 December 2026."
    for words in (window, "never on 1 holiday", cap, "message_id only the domain example.com."):
        assert words in html
    changed = site.browser().get(f"{site.base}/agents/supplier-mail/diff?from={number - 1}&to={number}").text
    assert window in changed
    assert cap in changed


def test_it_retires_with_a_reason_and_that_is_taken_back(site: Site):
    old, now = another_serves(site)
    at = f"{site.base}/agents/supplier-mail/revisions"
    mei = site.browser()
    assert old < now
    refused = mei.post(f"{at}/{now}/retire", data={"reason": "It serves."})
    assert refused.status_code == 409
    assert "serves, or is on its way to" in refused.text
    with site.store.write() as session:
        save_draft(
            session, site.seeded.owner, "supplier-mail",
            body={**draft_of(session, site.seeded.owner, "supplier-mail").body, "sop": "# Goal\nFile each bill."},
            version=draft_of(session, site.seeded.owner, "supplier-mail").version,
        )  # fmt: skip
        fresh = freeze_revision(session, site.seeded.owner, "supplier-mail", reason="Never released.").number
    assert mei.post(f"{at}/{fresh}/retire", data={"reason": "It rounds the wrong way."}).status_code == 303
    html = mei.get(f"{at}/{fresh}").text
    assert "It has retired" in html
    assert "It rounds the wrong way." in html
    assert f"/revisions/{fresh}/release" not in html
    assert "retired" in mei.get(at).text
    assert site.browser("rosa").post(f"{at}/{fresh}/reinstate", data={"reason": "x"}).status_code == 403
    assert mei.post(f"{at}/{fresh}/reinstate", data={"reason": "It does not."}).status_code == 303
    assert "It has retired" not in mei.get(f"{at}/{fresh}").text
