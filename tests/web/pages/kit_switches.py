"""A second revision made live, for pages that show the way back."""

from __future__ import annotations

from signoff.agents.actions import freeze_revision, save_draft
from signoff.agents.queries import draft_of
from signoff.deployments.queries import live_revisions
from signoff.releases.actions import make_live
from tests.web.pages.conftest import Site


def another_serves(site: Site) -> tuple[int, int]:
    """Freeze and make live once more; returns what served before, and what serves."""
    owner = site.seeded.owner
    with site.store.write() as session:
        before = next(
            one.revision_number
            for one in live_revisions(session, owner, [agent_id(site)])[agent_id(site)]
            if one.is_production
        )
        now = draft_of(session, owner, "supplier-mail")
        save_draft(session, owner, "supplier-mail", body={**now.body, "sop": "# GOAL\nMore."}, version=now.version)
        frozen = freeze_revision(session, owner, "supplier-mail", reason="more")
        make_live(session, owner, "supplier-mail", environment="production", revision=frozen.number, reason="more")
    return before, frozen.number


def agent_id(site: Site) -> str:
    with site.store.read() as session:
        return draft_of(session, site.seeded.owner, "supplier-mail").agent_id
