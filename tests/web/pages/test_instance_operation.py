"""The installation's operation, for its administrators: maintenance that stands and stood, objectives with rates."""

from __future__ import annotations

from html import unescape

from sqlalchemy import update

from signoff.freezes.maintenance import begin, end
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
