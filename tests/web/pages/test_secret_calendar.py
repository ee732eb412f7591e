"""The calendar of secrets: what runs out, the nearest first."""

from __future__ import annotations

from datetime import timedelta

from signoff.connections.secrets import create_secret
from signoff.kit import clock
from tests.web.pages.conftest import Site


def plan(site: Site, **days: int) -> None:
    with site.store.write() as session:
        for name, number in days.items():
            create_secret(
                session, site.seeded.owner, site.app.state.house.services.vault,
                connection_id=site.seeded.connections["production/erp"], name=name, value="a value to keep",
                expires_at=clock.now() + timedelta(days=number, hours=1),
            )  # fmt: skip


def test_without_a_date_it_says_what_to_do(site: Site):
    html = site.browser().get(f"{site.base}/secrets/expiring").text
    assert "Nothing runs out in this time" in html
    assert "30, 14, 3 and 0 days before" in html


def test_the_nearest_comes_first_and_what_ran_out_before_all(site: Site):
    plan(site, LATER=60, GONE=-2, SOON=5, FAR=300)
    html = site.browser().get(f"{site.base}/secrets/expiring").text
    order = [html.index(f">{name}</a>") for name in ("GONE", "SOON", "LATER")]
    assert order == sorted(order)
    assert "Ran out" in html
    assert "in 5 days" in html
    assert ">FAR<" not in html
    assert ">FAR<" in site.browser().get(f"{site.base}/secrets/expiring?within=365").text
    assert ">LATER<" not in site.browser().get(f"{site.base}/secrets/expiring?within=30").text
    assert "Nothing runs out" in site.browser().get(f"{site.base}/secrets/expiring?environment=staging").text
    assert site.browser().get(f"{site.base}/secrets/expiring?within=x&environment=none").status_code == 200


def test_many_are_paged(site: Site):
    plan(site, **{f"S_{number:02}": number for number in range(35)})
    browser = site.browser()
    first = browser.get(f"{site.base}/secrets/expiring?within=all").text
    assert first.count("data-row") == 30
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert browser.get(older.replace("&amp;", "&")).text.count("data-row") == 5


def test_who_may_not_see_secrets_is_told(site: Site):
    assert site.browser("rosa").get(f"{site.base}/secrets/expiring").status_code == 403
