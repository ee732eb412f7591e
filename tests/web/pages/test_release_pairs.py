"""What a shadow would have done beside what was done."""

from __future__ import annotations

from html import unescape

from sqlalchemy import select

from signoff.kit import clock
from signoff.releases.queries import releases_page
from signoff.tables.releases import ShadowPair
from signoff.tables.runs import Run
from tests.web.pages.conftest import Site
from tests.web.pages.kit_switches import another_serves


def with_pair(site: Site) -> tuple[str, str]:
    """Put one compared pair beside the newest release; returns the release and the run."""
    another_serves(site)
    with site.store.write() as session:
        release = releases_page(session, site.seeded.owner, agent="supplier-mail").rows[0]
        run = session.scalars(select(Run).where(Run.agent_id == release.agent_id, Run.state == "completed")).first()
        assert run is not None
        differences = {
            "output": {"fields": [{"path": "action", "was": "posted", "would_be": "flagged"}], "left_out": 0},
            "named": ["output action"],
        }
        session.add(
            ShadowPair(
                release_id=release.id, run_id=run.id, workspace_id=run.workspace_id, shadow_run_id=None,
                state="compared", is_equal=False, differences=differences, made_at=clock.now(), compared_at=clock.now(),
            )
        )  # fmt: skip
        return release.id, run.id


def test_a_pair_is_listed_shown_and_judged(site: Site):
    release_id, run_id = with_pair(site)
    mei = site.browser()
    html = unescape(mei.get(f"{site.base}/releases/{release_id}/pairs?view=unjudged").text)
    assert "output action" in html
    at = f"{site.base}/releases/{release_id}/pairs/{run_id}"
    html = unescape(mei.get(at).text)
    assert "flagged" in html
    assert mei.post(at, data={"judgement": "worse"}).status_code == 303
    assert "No pair here" in mei.get(f"{site.base}/releases/{release_id}/pairs?view=unjudged").text
    assert "worse" in mei.get(at).text


def test_of_another_release_there_is_no_pair(site: Site):
    release_id, _ = with_pair(site)
    assert site.browser().get(f"{site.base}/releases/{release_id}/pairs/run_none").status_code == 404
    assert site.browser().get(f"{site.base}/releases/rel_none/pairs").status_code == 404
