"""Making an agent, from the form and from YAML."""

from __future__ import annotations

from signoff.agents.queries import agent_by_slug, draft_of
from tests.web.pages.conftest import Site

YAML = """name: Returns desk
tags: [support]
owner: INES@northwind.example
backup: stranger@elsewhere.example
model:
  name: openai:gpt-5
sop: |
  # Goal
  Decide returns.
"""


def fields(**changes: str) -> dict[str, str]:
    return {
        "way": "form",
        "name": "Returns desk",
        "slug": "",
        "description": "Decides returns.",
        "tags": "support, , returns",
        "owner": "",
        "backup": "",
        "model": "openai:gpt-5",
        "sop": "# Goal\r\nDecide returns.",
        **changes,
    }


def test_the_form_makes_an_agent_and_opens_its_editor(site: Site):
    made = site.browser("ines").post(f"{site.base}/agents/new", data=fields())
    assert (made.status_code, made.headers["location"]) == (303, f"{site.base}/agents/returns-desk/edit")
    with site.store.read() as session:
        found = agent_by_slug(session, site.seeded.owner, "returns-desk")
        draft = draft_of(session, site.seeded.owner, "returns-desk")
    assert (found.name, found.tags, found.last_revision) == ("Returns desk", ("support", "returns"), 0)
    assert found.owner is not None
    assert found.owner.name == "Ines Okafor"
    assert draft.body == {"sop": "# Goal\nDecide returns.", "model": {"name": "openai:gpt-5"}}


def test_a_refusal_keeps_what_was_typed(site: Site):
    refused = site.browser().post(
        f"{site.base}/agents/new", data=fields(slug="supplier-mail", description="Kept <words>")
    )
    assert refused.status_code == 409
    for word in (
        "An agent called supplier-mail exists",
        "Kept &lt;words&gt;",
        'value="Returns desk"',
        "Decide returns.",
    ):
        assert word in refused.text
    bad = site.browser().post(f"{site.base}/agents/new", data=fields(slug="Not A Slug"))
    assert bad.status_code == 422
    assert 'id="f-slug-error">small letters' in bad.text


def test_yaml_makes_an_agent_and_leaves_strangers_out(site: Site):
    made = site.browser().post(f"{site.base}/agents/new", data={"way": "yaml", "yaml": YAML, "sop": ""})
    assert (made.status_code, made.headers["location"]) == (303, f"{site.base}/agents/returns-desk/edit")
    with site.store.read() as session:
        found = agent_by_slug(session, site.seeded.owner, "returns-desk")
        draft = draft_of(session, site.seeded.owner, "returns-desk")
    assert found.owner is not None
    assert found.owner.name == "Ines Okafor"
    assert found.backup is None
    assert draft.body["sop"] == "# Goal\nDecide returns."


def test_yaml_with_mistakes_says_each_with_its_line(site: Site):
    text = "model:\n  name: openai:gpt-5\ntags: 7\n"
    refused = site.browser().post(f"{site.base}/agents/new", data={"way": "yaml", "yaml": text, "sop": "# Kept"})
    assert refused.status_code == 422
    assert "Line 3: tags takes a list of texts." in refused.text
    assert "name is missing." in refused.text
    assert "# Kept" in refused.text
    broken = site.browser().post(f"{site.base}/agents/new", data={"way": "yaml", "yaml": "a: [1", "sop": ""})
    assert broken.status_code == 422


def test_a_member_may_not(site: Site):
    assert site.browser("tomasz").get(f"{site.base}/agents/new").status_code == 403
    assert site.browser("tomasz").post(f"{site.base}/agents/new", data=fields()).status_code == 403
    assert site.browser("rosa").post(f"{site.base}/agents/new", data=fields(way="yaml", yaml=YAML)).status_code == 403
    with site.store.read() as session:
        assert session.connection().exec_driver_sql("select count(*) from agents").scalar() == 3
