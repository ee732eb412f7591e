"""Signing in through a certified OpenID Connect provider, by program and by hand in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest
from playwright.sync_api import Browser

from signoff.app.build import build_app
from signoff.kit import ids
from signoff.people.access import Principal
from signoff.people.actions.providers import add_provider, switch_provider
from signoff.people.provider_input import ProviderInput
from signoff.settings import Settings
from signoff.tables.session import Store
from tests.kit_provider import ABSENT, fetch, providing
from tests.kit_required import absent
from tests.web.pages.kit_sso import role_in
from tests.web.seed import PEOPLE, Seeded, person, workspace

SECRET = "a secret: of / this + test & no other one"
Serving = Callable[[Any], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def packages() -> Path:
    """The provider's files."""
    folder = fetch()
    if folder is None:
        absent(ABSENT)
    return folder


class House:
    """The whole product on a real port, with a provider beside it."""

    def __init__(self, store: Store, settings: Settings, serving: Serving, packages: Path) -> None:
        self.store, self.settings, self._serving, self._packages = store, settings, serving, packages
        with store.write() as session:
            self.seeded: Seeded = workspace(session)
            for key, name, role in PEOPLE:
                person(session, self.seeded, key, name, role)

    @property
    def owner(self) -> Principal:
        return self.seeded.owner

    @contextmanager
    def open(self, *, groups: str = "", auth_method: str = "client_secret_basic", algorithm: str = "RS256",
             **more: Any) -> Generator[tuple[str, str]]:  # fmt: skip
        """The address of the product and the id of its provider."""
        app = build_app(self.settings, with_worker=False)
        provider_id = ids.new_id("idp")
        with (
            self._serving(app) as address,
            providing(
                self._packages,
                redirect_uri=f"{address}/sign-in/sso/{provider_id}/callback",
                signed_out_uri=f"{address}/sign-in",
                secret=SECRET,
                groups=groups,
                auth_method=auth_method,
                algorithm=algorithm,
            ) as issuer,
        ):
            house = app.state.house
            entered = ProviderInput(name="Acme Login", issuer=issuer, client_id="signoff", client_secret=SECRET, **more)
            with house.services.store.write() as session:
                guard, sealer = house.single_sign_on.guard, house.single_sign_on.sealer
                add_provider(session, self.owner, sealer, guard, entered, provider_id=provider_id)
                switch_provider(session, self.owner, provider_id, is_enabled=True)
            yield address, provider_id


@pytest.fixture
def house(store: Store, settings: Settings, serving: Serving, packages: Path) -> House:
    return House(store, settings, serving, packages)


def client_of_a_person() -> httpx2.Client:
    """A browser without script: keeps cookies, follows where it is sent."""
    return httpx2.Client(follow_redirects=True, trust_env=False, timeout=60.0)


def sign_in(client: httpx2.Client, address: str, login: str) -> httpx2.Response:
    """Go to the provider, fill in its forms, come back; the first page of ours that is not a redirect."""
    response = client.get(address)
    for _ in range(5):
        form = re.search(r'<form[^>]*action="([^"]+)"', response.text)
        if form is None or "/interaction/" not in form.group(1):
            break
        prompt = "login" if 'name="login"' in response.text else "consent"
        fields = {"prompt": prompt, **({"login": login, "password": "any"} if prompt == "login" else {})}
        response = client.post(urljoin(str(response.url), unescape(form.group(1))), data=fields)
    return response


@pytest.mark.parametrize(
    ("backend", "auth_method", "algorithm"),
    [
        ("sqlite", "client_secret_basic", "RS256"),
        ("sqlite", "client_secret_post", "ES256"),
        ("sqlite", "client_secret_basic", "EdDSA"),
        pytest.param("postgres", "client_secret_basic", "RS256", marks=pytest.mark.postgres),
    ],
    indirect=["backend"],
)
def test_a_member_signs_in_and_out(house: House, auth_method: str, algorithm: str):
    with (
        house.open(auth_method=auth_method, algorithm=algorithm) as (address, provider_id),
        client_of_a_person() as client,
    ):
        start = f"{address}/sign-in/sso/{provider_id}/start"
        home = sign_in(client, start, "ines")
        assert (home.status_code, str(home.url)) == (200, f"{address}/w/northwind")
        assert "Ines Okafor" in home.text
        left = client.post(f"{address}/sign-out", headers={"origin": address})
        assert "Sign out of Acme Login too" in left.text
        there = client.get(f"{address}/sign-in/sso/{provider_id}/sign-out")
        assert "/session/end" in str(there.url)
        assert there.status_code == 200


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_groups_give_roles_and_strangers_join(house: House):
    more = {
        "group_claim": "groups",
        "scopes": ("openid", "email", "profile", "groups"),
        "role_rules": (("leads", "manager"), ("staff", "member")),
        "makes_members": True,
        "domains": ("northwind.example",),
    }
    with house.open(groups="staff,leads", **more) as (address, provider_id):
        start = f"{address}/sign-in/sso/{provider_id}/start"
        with client_of_a_person() as client:
            assert "newcomer of the provider" in sign_in(client, start, "newcomer").text
        with client_of_a_person() as client:
            assert sign_in(client, start, "rosa").status_code == 200
        with client_of_a_person() as client:
            refused = sign_in(client, start, "unverified")
            assert refused.status_code == 403
            assert "does not say that your e-mail address is verified" in refused.text
    seeded = house.seeded.workspace_id
    assert role_in(house.store, seeded, "newcomer@northwind.example") == "manager"
    assert role_in(house.store, seeded, "rosa@northwind.example") == "manager"
    assert role_in(house.store, seeded, "unverified@northwind.example") == "none"


@pytest.mark.browser
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_by_hand_in_a_browser(house: House, browser: Browser):
    with house.open() as (address, _):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        complaints: list[str] = []
        page.goto(f"{address}/w/northwind/runs")
        # Our pages must not complain; the provider's own page asks for a font the test may not fetch.
        page.on("console", lambda said: complaints.append(said.text) if page.url.startswith(address) else None)
        page.get_by_role("link", name="Continue with Acme Login").click()
        page.fill('input[name="login"]', "ines")
        page.fill('input[name="password"]', "any")
        page.get_by_role("button", name="Sign-in").click()
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(f"{address}/w/northwind/runs")
        page.get_by_role("heading", name="Runs", level=1).wait_for()
        page.goto(f"{address}/w/northwind")
        page.get_by_role("button", name="Ines Okafor").first.click()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("link", name="Sign out of Acme Login too").click()
        page.get_by_role("button", name="Yes, sign me out").click()
        page.wait_for_url(f"{address}/sign-in**")
        assert complaints == []
        context.close()
