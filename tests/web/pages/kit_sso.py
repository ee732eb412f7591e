"""A workspace whose members come in through a provider, and a browser that goes there and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from starlette.testclient import TestClient

from signoff.people.access import Principal
from signoff.people.actions.providers import add_provider, switch_provider
from signoff.people.provider_input import ProviderInput
from signoff.people.queries import principal_of_session
from signoff.settings import Settings
from signoff.tables.people import Member, Person
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.kit_issuer import CLIENT_ID, CLIENT_SECRET, Issuer
from tests.web.kit_pages import pages_app
from tests.web.pages.conftest import Site
from tests.web.seed import PEOPLE, person, workspace

IDLE = 3_600


@dataclass
class Door:
    """A provider of the seeded workspace."""

    site: Site
    issuer: Issuer
    id: str

    def leave(self, browser: TestClient, target: str = "") -> str:
        """Go to the provider; where the browser is sent."""
        response = browser.get(f"/sign-in/sso/{self.id}/start", params={"next": target} if target else {})
        assert response.status_code == 303, response.text
        return response.headers["location"]

    def come_back(self, browser: TestClient, location: str, **changed: str) -> Any:
        """Sign in there, and come back."""
        return browser.get(self.issuer.authorize(location, **changed))

    def sign_in(self, browser: TestClient, target: str = "", **changed: str) -> Any:
        return self.come_back(browser, self.leave(browser, target), **changed)

    def audit(self, action: str) -> list[AuditRow]:
        with self.site.store.read() as session:
            return list(session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.seq)))

    def reasons(self) -> list[str]:
        return [row.detail["reason"] for row in self.audit("sso.refused")]


def owner_of(site: Site, who: str = "mei") -> Principal:
    """The principal behind a signed-in browser of the seed."""
    with site.store.read() as session:
        return principal_of_session(session, site.seeded.cookies[who], idle_seconds=IDLE).principal


def entered(issuer: Issuer, **more: Any) -> ProviderInput:
    return replace(
        ProviderInput(name="Acme Login", issuer=issuer.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET), **more
    )


def open_door(site: Site, issuer: Issuer, *, by: Principal | None = None, **more: Any) -> Door:
    """A provider, switched on, as `by` (the owner) entered it."""
    principal, house = by or owner_of(site), site.app.state.house
    with site.store.write() as session:
        made = add_provider(
            session, principal, house.single_sign_on.sealer, house.single_sign_on.guard, entered(issuer, **more)
        )
        switch_provider(session, principal, made, is_enabled=True)
    return Door(site, issuer, made)


def role_in(store: Store, workspace_id: str, email: str) -> str:
    """A person's role in a workspace, `none` when they are not there."""
    with store.read() as session:
        found = session.execute(
            select(Member.role, Member.state)
            .join(Person, Person.id == Member.person_id)
            .where(Person.email == email, Member.workspace_id == workspace_id)
        ).first()
    return "none" if found is None else found[0] if found[1] == "active" else found[1]


def role_of(site: Site, email: str) -> str:
    """A person's role in the seeded workspace."""
    return role_in(site.store, site.seeded.workspace_id, email)


def small_site(store: Store, settings: Settings) -> Site:
    """The seeded workspace with its four people, without agents and runs: signing in needs none."""
    with store.write() as session:
        seeded = workspace(session)
        for key, name, role in PEOPLE:
            person(session, seeded, key, name, role)
    return Site(pages_app(store, settings), store, seeded)
