"""Undo, redo and reset in the editor, and being told of what others save meanwhile."""

from __future__ import annotations

from html import unescape

from signoff.agents.actions import save_draft, undo_draft
from signoff.agents.draft_saves import draft_history
from signoff.agents.queries import draft_of, refused_saves
from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site
from tests.web.pages.test_agent_editor import AT, opened, saved


def save(site: Site, words: str) -> None:
    with site.store.write() as session:
        now = draft_of(session, site.seeded.owner, "supplier-mail")
        save_draft(session, site.seeded.owner, "supplier-mail", body={**now.body, "sop": words}, version=now.version)


def test_an_untouched_form_goes_back_and_forth(site: Site):
    first = saved(site)
    save(site, "# GOAL\nOther words.")
    done = site.browser().post(f"{AT}/undo", data=opened(site))
    assert (done.status_code, done.headers["location"]) == (303, AT)
    assert (saved(site).body, saved(site).version) == (first.body, first.version + 2)
    assert site.browser().post(f"{AT}/redo", data=opened(site)).status_code == 303
    assert saved(site).body["sop"] == "# GOAL\nOther words."


def test_what_is_typed_is_saved_before_it_is_undone(site: Site):
    first = saved(site)
    form = opened(site) | {"sop": ["# GOAL\nTyped, and not saved."]}
    assert site.browser().post(f"{AT}/undo", data=form).status_code == 303
    assert saved(site).body["sop"] == first.body["sop"]
    assert site.browser().post(f"{AT}/redo", data=opened(site)).status_code == 303
    assert saved(site).body["sop"] == "# GOAL\nTyped, and not saved."


def test_a_reset_goes_to_the_last_or_to_the_live_revision(site: Site):
    save(site, "# GOAL\nOther words.")
    site.browser().post(f"{AT}/reset", data=opened(site) | {"reset-to": ["live"]})
    with site.store.read() as session:
        (newest, *_) = draft_history(session, site.seeded.owner, "supplier-mail").saves
    assert (newest.kind, newest.revision) == ("reset", 2)
    site.browser().post(f"{AT}/reset", data=opened(site))
    with site.store.read() as session:
        (newest, *_) = draft_history(session, site.seeded.owner, "supplier-mail").saves
    assert (newest.kind, newest.revision) == ("reset", 3)


def test_there_is_a_button_where_there_is_a_way(site: Site):
    html = site.browser().get(AT).text

    def button(label: str) -> str:
        return html[html.index(f'aria-label="{label}') :].split(">", 1)[0]

    assert " disabled" not in button("Reset to a revision")
    assert " disabled" in button("Redo")
    save(site, "# GOAL\nOther words.")
    with site.store.write() as session:
        undo_draft(session, site.seeded.owner, "supplier-mail", version=saved(site).version)
    html = site.browser().get(AT).text
    assert " disabled" not in button("Redo")


def test_of_two_people_the_second_to_undo_sees_both_texts(site: Site):
    form = opened(site) | {"sop": ["# GOAL\nMine."]}
    save(site, "# GOAL\nTheirs.")
    done = site.browser().post(f"{AT}/undo", data=form)
    assert done.status_code == 303
    assert "/edit/conflict/" in done.headers["location"]
    assert saved(site).body["sop"] == "# GOAL\nTheirs."
    with site.store.read() as session:
        assert refused_saves(session, site.seeded.owner, "supplier-mail")[0].body["sop"] == "# GOAL\nMine."


def test_nothing_typed_and_somebody_was_first_is_told(site: Site):
    form = opened(site)
    with site.store.write() as session:
        now = draft_of(session, site.seeded.owner, "supplier-mail")
        for words in ("# GOAL\nTheirs.", now.body["sop"]):
            version = draft_of(session, site.seeded.owner, "supplier-mail").version
            save_draft(
                session, site.seeded.owner, "supplier-mail", body={**now.body, "sop": words}, version=version
            )  # fmt: skip
    version = saved(site).version
    assert site.browser().post(f"{AT}/undo", data=form).status_code == 303
    assert saved(site).version == version


def test_what_was_changed_meanwhile_is_shown(site: Site):
    version = saved(site).version
    save(site, "# GOAL\nTheirs.")
    browser = site.browser()
    html = unescape(browser.get(f"{AT}/newer?version={version + 1}", headers=HTMX).text)
    assert "No differences" in html
    save(site, "# GOAL\nTheirs, and better.")
    html = unescape(browser.get(f"{AT}/newer?version={version + 1}", headers=HTMX).text)
    assert "and better" in html
    assert "is not kept any more" in browser.get(f"{AT}/newer?version=0", headers=HTMX).text
    assert browser.get(f"{AT}/newer").status_code == 303


def test_whoever_may_not_edit_has_no_way_and_strangers_no_stream(site: Site):
    viewer = site.browser("rosa")
    assert "draft-ways" not in viewer.get(AT).text
    before = saved(site).version
    for verb in ("undo", "redo", "reset"):
        assert viewer.post(f"{AT}/{verb}", data={"version": str(before)}).status_code == 403
    assert saved(site).version == before
    assert site.browser().get("/w/northwind/agents/nobody/edit/events").status_code == 404
