"""How an agent's answers are scored."""

from __future__ import annotations

from html import unescape

from signoff.evaluations.queries import evaluators_of
from signoff.evaluations.scoring import EVALUATOR_KINDS
from signoff.evaluations.views import EvaluatorFacts
from tests.web.pages.conftest import Site
from tests.web.pages.kit_evaluations import with_evaluators

AT = "/agents/supplier-mail/evaluators"


def evaluators(site: Site) -> list[EvaluatorFacts]:
    with site.store.read() as session:
        return evaluators_of(session, site.seeded.owner, "supplier-mail")


def test_every_kind_is_offered_and_has_its_form(site: Site):
    ines = site.browser("ines")
    html = unescape(ines.get(f"{site.base}{AT}").text)
    assert "No evaluator yet" in html
    for kind in EVALUATOR_KINDS:
        assert f"?kind={kind}" in html
        form = ines.get(f"{site.base}{AT}?kind={kind}")
        assert form.status_code == 200
        assert f'name="kind" value="{kind}"' in form.text


def test_one_is_added_changed_switched_and_deleted(site: Site):
    ines = site.browser("ines")
    fields = {"kind": "contains", "name": "Says why", "weight": "2.5", "set.texts": "because\nline 2"}
    assert ines.post(f"{site.base}{AT}", data=fields).status_code == 303
    (found,) = evaluators(site)
    assert (found.name, found.kind, str(found.weight)) == ("Says why", "contains", "2.5")
    assert found.settings == {"texts": ["because", "line 2"], "ignores_case": False}
    html = unescape(ines.get(f"{site.base}{AT}?edit={found.id}").text)
    assert "because\nline 2</textarea>" in html
    one = f"{site.base}{AT}/{found.id}"
    changed = {"name": "Says why", "weight": "1", "set.texts": "because", "set.ignores_case": "yes"}
    assert ines.post(one, data=changed).status_code == 303
    assert evaluators(site)[0].settings == {"texts": ["because"], "ignores_case": True}
    assert ines.post(f"{one}/switch", data={"to": "off"}).status_code == 303
    assert evaluators(site)[0].is_enabled is False
    assert ines.post(f"{one}/delete").status_code == 303
    assert evaluators(site) == []
    assert ines.get(f"{site.base}{AT}?edit={found.id}").status_code == 404


def test_what_is_wrong_is_told_beside_its_field_and_kept(site: Site):
    ines = site.browser("ines")
    bad = {"kind": "matches", "name": "Number", "weight": "1", "set.pattern": "(INV"}
    refused = ines.post(f"{site.base}{AT}", data=bad)
    html = unescape(refused.text)
    assert refused.status_code == 422
    assert "unclosed group" in html
    assert 'value="(INV"' in html
    for weight in ("0", "much", "-1", "NaN"):
        answer = ines.post(f"{site.base}{AT}", data={**bad, "set.pattern": "x", "weight": weight})
        assert answer.status_code == 422
    assert "Say which calls are wanted" in unescape(
        ines.post(f"{site.base}{AT}", data={"kind": "calls", "name": "Calls", "weight": "1"}).text
    ).replace("say which", "Say which")
    assert evaluators(site) == []


def test_shares_are_shown_and_who_looks_may_change_nothing(site: Site):
    with site.store.write() as session:
        with_evaluators(session, site.seeded.owner)
    html = unescape(site.browser("rosa").get(f"{site.base}{AT}").text)
    assert "60 %" in html
    assert "never: pay" in html
    assert "Add an evaluator" not in html
    found = evaluators(site)[0].id
    assert site.browser("rosa").post(f"{site.base}{AT}/{found}/delete").status_code == 403
    assert site.browser("rosa").post(f"{site.base}{AT}", data={"kind": "equals", "name": "x"}).status_code == 403
