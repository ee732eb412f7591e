"""The installation's operation, for its administrators: maintenance that stands and stood, objectives with rates."""

from __future__ import annotations

from html import unescape

from sqlalchemy import update

from signoff.freezes.maintenance import begin, end, standing
from signoff.record.actor import SYSTEM
from signoff.tables.people import Person
from signoff.watch.objectives.promises import promises
from signoff.web.pages.instance_operation import query
from tests.web.pages.conftest import Site

AT = "/w/northwind/instance/operation"


def administered(site: Site) -> Site:
    with site.store.write() as session:
        mei = site.seeded.owner.person_id
        session.execute(update(Person).where(Person.id == mei).values(is_instance_administrator=True))
    return site


def shown(site: Site) -> str:
    return unescape(site.browser().get(AT).text)


def test_who_does_not_administer_the_installation_is_turned_away(site: Site):
    assert site.browser().get(AT).status_code == 403
    assert site.browser("rosa").get(AT).status_code == 403


def test_maintenance_stands_on_it_and_stays_in_its_history(site: Site):
    administered(site)
    assert "There was none" in shown(site)
    with site.store.write() as session:
        begin(session, SYSTEM, reason="A larger disk", minutes=30)
    html = shown(site)
    assert "Under maintenance" in html
    assert "A larger disk" in html
    with site.store.write() as session:
        end(session, SYSTEM)
    html = shown(site)
    assert "Under maintenance" not in html
    assert "A larger disk" in html
    assert "ended" in html


def test_each_objective_is_there_with_how_fast_its_budget_goes(site: Site):
    administered(site)
    html = shown(site)
    for one in promises().slo:
        assert one.title in html
    assert "for Prometheus" in html


def test_a_window_is_marked_where_it_burns_faster_than_an_alert_allows():
    burns = promises().burn
    low = min(burn.factor for burn in burns)
    name = query.window_name(burns[0].short_minutes)
    slow, fast = query._rates({name: low / 2}, burns), query._rates({name: 10_000.0}, burns)
    assert ([one.is_burning for one in slow], [one.is_burning for one in fast]) == ([False], [True])


def test_an_administrator_begins_it_for_a_time_and_with_a_reason(site: Site):
    administered(site)
    assert "Begin maintenance" in shown(site)
    begins = f"{AT}/maintenance"
    for wrong in (
        {"reason": "", "minutes": "30"},
        {"reason": "A disk", "minutes": ""},
        {"reason": "x", "minutes": "0"},
    ):
        answer = site.browser().post(begins, data=wrong)
        assert answer.status_code == 422
    assert "There was none" in shown(site)
    assert site.browser("rosa").post(begins, data={"reason": "A disk", "minutes": "30"}).status_code == 403
    assert "There was none" in shown(site)
    answer = site.browser().post(begins, data={"reason": "A disk", "minutes": "30"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, AT)
    with site.store.read() as session:
        found = standing(session)
    assert found is not None
    assert (found.reason, found.ordered_by_name, found.until is not None) == ("A disk", site.seeded.owner.name, True)
    html = shown(site)
    assert "Under maintenance" in html
    assert "Begin maintenance" not in html


def test_an_administrator_ends_it_whoever_began_it(site: Site):
    administered(site)
    ends = f"{AT}/maintenance/end"
    assert site.browser().post(ends).status_code == 409
    with site.store.write() as session:
        begin(session, SYSTEM, reason="A larger disk")
    assert "End maintenance" in shown(site)
    assert site.browser("rosa").post(ends).status_code == 403
    with site.store.read() as session:
        assert standing(session) is not None
    answer = site.browser().post(ends, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, AT)
    html = shown(site)
    assert f"by {site.seeded.owner.name}" in html
    assert "Begin maintenance" in html
    assert "End maintenance" not in html
