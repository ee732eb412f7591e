"""One secret: replaced, restored, granted, shared, described and deleted; a value is in no answer."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.connections.secrets import create_secret, queries
from signoff.connections.views import SecretRow
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions

PLANTED = "planted/4711+value of=the secret"
SECOND = "planted-the-second-value"


@pytest.fixture
def secret(site: Site) -> str:
    with site.store.write() as session:
        return create_secret(
            session, site.seeded.owner, site.app.state.house.services.vault,
            connection_id=site.seeded.connections["production/erp"], name="SHOP_TOKEN", value=PLANTED,
        )  # fmt: skip


def row(site: Site, secret: str) -> SecretRow:
    with site.store.read() as session:
        return queries.secret_row(session, site.seeded.owner, secret)


def post(site: Site, secret: str, verb: str, who: str = "mei", **fields: Any):
    return site.browser(who).post(f"{site.base}/secrets/{secret}/{verb}", data=fields)


def page(site: Site, secret: str, who: str = "mei") -> str:
    answer = site.browser(who).get(f"{site.base}/secrets/{secret}")
    assert answer.status_code == 200
    assert PLANTED not in answer.text
    assert SECOND not in answer.text
    return answer.text


def test_an_older_value_comes_back(site: Site, secret: str):
    assert post(site, secret, "replace", value=SECOND, expires_at="2031-03-31").status_code == 303
    found = row(site, secret)
    assert (found.version, str(found.expires_at)[:10]) == (2, "2031-03-31")
    html = page(site, secret)
    assert "Restore version 1" in html
    assert "in use" in html
    assert post(site, secret, "restore", version="1").status_code == 303
    assert row(site, secret).version == 3
    assert "from 1" in page(site, secret)
    for wrong in ("9", "x", "", "3", "-1"):
        assert post(site, secret, "restore", version=wrong).status_code in (404, 409)


def test_an_agent_is_granted_it_and_it_is_taken_back(site: Site, secret: str):
    html = page(site, secret)
    assert "not granted" in html  # Refund triage lists it in its draft.
    assert post(site, secret, "grant", agent="supplier-mail").status_code == 303
    html = page(site, secret)
    assert "Withdraw from Supplier mail" in html
    assert "by Mei" in html
    assert "1 agent" in site.browser().get(f"{site.base}/secrets?environment=production").text
    assert post(site, secret, "withdraw", agent="supplier-mail").status_code == 303
    assert post(site, secret, "withdraw", agent="supplier-mail").status_code == 409
    assert post(site, secret, "grant", agent="nobody").status_code == 404
    with site.store.read() as session:
        assert audit_actions(session, site.seeded)[-2:] == ["secret.granted", "secret.withdrawn"]


def test_what_is_said_of_it_is_changed_and_kept_when_refused(site: Site, secret: str):
    fields = {"description": "From the shop", "expires_at": "2031-02-30", "sensitivity": "standard"}
    refused = post(site, secret, "edit", **fields)
    assert refused.status_code == 422
    assert "Give a date such as" in refused.text
    assert 'value="From the shop"' in refused.text
    assert post(site, secret, "edit", **{**fields, "expires_at": "2031-02-28"}).status_code == 303
    assert row(site, secret).description == "From the shop"
    assert post(site, secret, "edit", **{**fields, "expires_at": "", "sensitivity": "secret"}).status_code == 422


def test_of_high_sensitivity_each_change_asks_why(site: Site, secret: str):
    assert post(site, secret, "edit", description="", expires_at="", sensitivity="high").status_code == 303
    html = page(site, secret)
    assert 'id="f-reason-replace"' in html
    refused = post(site, secret, "replace", value=SECOND)
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert SECOND not in refused.text
    assert post(site, secret, "replace", value=SECOND, reason="The quarter").status_code == 303
    assert "The quarter" in page(site, secret)
    assert post(site, secret, "delete").status_code == 422
    assert post(site, secret, "delete", reason="Not needed").status_code == 303


def test_a_personal_login_is_flagged_and_made_shared(site: Site):
    erp = site.seeded.connections["production/erp"]
    answer = site.browser("ines").post(
        f"{site.base}/secrets/new",
        data={"connection": erp, "name": "INES_LOGIN", "value": PLANTED, "is_personal": "yes"},
    )
    assert answer.status_code == 303
    with site.store.read() as session:
        (found,) = queries.secrets_called(session, site.seeded.owner, "INES_LOGIN")
    assert "The personal login of Ines Okafor" in page(site, found.id)
    assert "personal" in site.browser().get(f"{site.base}/secrets").text
    # She enters logins of her own; what the workspace shares is for whoever manages its secrets.
    assert "Make it shared" not in page(site, found.id, "ines")
    assert post(site, found.id, "share", who="ines").status_code == 403
    assert row(site, found.id).principal == "personal"
    assert post(site, found.id, "share").status_code == 303
    assert row(site, found.id).principal == "service"


def test_somebody_elses_personal_login_is_not_changed(site: Site):
    with site.store.write() as session:
        mine = create_secret(
            session, site.seeded.owner, site.app.state.house.services.vault, whose="personal",
            connection_id=site.seeded.connections["production/erp"], name="MEIS_LOGIN", value=PLANTED,
        )  # fmt: skip
    html = page(site, mine, "ines")
    assert "or an administrator may change it" in html
    assert "/replace" not in html
    for verb in ("replace", "delete", "share", "grant"):
        assert post(site, mine, verb, who="ines", value=SECOND, agent="supplier-mail").status_code == 403
    assert row(site, mine).version == 1


def test_one_from_before_grants_says_so_until_it_is_closed(site: Site, secret: str):
    from sqlalchemy import update

    from signoff.tables.connections import Secret

    with site.store.write() as session:
        session.execute(update(Secret).where(Secret.id == secret).values(is_open_to_all=True))
    assert "Every agent that lists it may use it" in page(site, secret)
    assert "to all" in site.browser().get(f"{site.base}/secrets").text
    assert post(site, secret, "close").status_code == 303
    assert "Every agent that lists it" not in page(site, secret)


def test_a_reference_the_operator_did_not_allow_is_refused(site: Site, secret: str):
    assert post(site, secret, "replace", reference="vault:kv/acme#x").status_code == 403
    wrong = post(site, secret, "replace", reference="vault://x")
    assert wrong.status_code == 422
    assert "A reference is" in wrong.text
    assert post(site, secret, "replace", value=SECOND, reference="aws:x").status_code == 422
    assert post(site, secret, "replace").status_code == 422
    assert row(site, secret).version == 1


def test_a_new_one_is_granted_where_it_is_entered(site: Site):
    erp, agent = site.seeded.connections["production/erp"], site.seeded.agents["supplier-mail"]
    fields = {"connection": erp, "name": "FRESH", "value": PLANTED, "is_high": "yes", "expires_at": "2031-01-31"}
    wrong = site.browser().post(f"{site.base}/secrets/new", data={**fields, "name": "1x", "agents": _id(agent)})
    assert wrong.status_code == 422
    assert PLANTED not in wrong.text
    assert f'value="{_id(agent)}" checked' in wrong.text
    assert site.browser().post(f"{site.base}/secrets/new", data={**fields, "agents": _id(agent)}).status_code == 303
    with site.store.read() as session:
        (found,) = queries.secrets_called(session, site.seeded.owner, "FRESH")
        grants = queries.grants_of(session, site.seeded.owner, found.id)
    assert (found.sensitivity, found.grants, grants[0].agent_slug) == ("high", 1, "supplier-mail")


def _id(agent: Any) -> str:
    return agent if isinstance(agent, str) else agent.id


def test_a_stranger_and_whoever_may_not_see_secrets_get_nothing(site: Site, secret: str):
    assert site.browser("rosa").get(f"{site.base}/secrets/{secret}").status_code == 403
    assert site.browser().get(f"{site.base}/secrets/sec_nowhere").status_code == 404
    for verb in ("replace", "restore", "grant", "withdraw", "close", "share", "edit", "delete"):
        answer = post(
            site, secret, verb, who="tomasz", value=SECOND, version="1", agent="supplier-mail", sensitivity="high"
        )
        assert answer.status_code == 403, verb
    assert row(site, secret).version == 1
