"""The ways in, in a real Chromium, as whole journeys: invited, with a second factor; forgotten; not me; single sign-on.

Every page on the way is looked at by axe, wide and narrow, light and dark.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from pydantic import SecretStr
from pyotp.totp import TOTP
from sqlalchemy import select, update

from signoff.connections.keys import load_keys
from signoff.kit import clock
from signoff.kit.sealing import Sealed, Sealer
from signoff.people.actions.setup_links import MAIL_LINK, mail_place
from signoff.settings import Settings
from signoff.tables.all_tables import METADATA
from signoff.tables.people import SignInSession, Workspace
from signoff.tables.record import OutboxMessage
from signoff.tables.session import Store
from tests.kit_browser import axe_violations
from tests.kit_issuer import issuing
from tests.kit_server import serving
from tests.web.kit_pages import pages_app
from tests.web.pages.conftest import Site
from tests.web.pages.kit_sso import open_door
from tests.web.seed import PASSWORD, seed

pytestmark = [pytest.mark.browser, pytest.mark.slow]
# Colours change softly; half-way between two themes nothing has the contrast it has in either.
SETTLED = """new Promise(frame => requestAnimationFrame(() => requestAnimationFrame(frame)))
.then(() => Promise.allSettled(document.getAnimations().map(one => one.finished)))"""
NEW = "an entirely new sentence of mine"


class Place:
    """The pages on a port. Mails are written and not sent: nothing listens where they would go."""

    def __init__(self, address: str, site: Site) -> None:
        self.address, self.site = address, site

    def link_of_mail(self) -> str:
        """The one-time link of the newest mail."""
        entrance = self.site.app.state.house.entrance
        assert entrance.forgotten is not None
        entrance.forgotten.settle()
        with self.site.store.read() as session:
            newest = select(OutboxMessage).where(OutboxMessage.kind == MAIL_LINK).order_by(OutboxMessage.id.desc())
            told = session.scalars(newest.limit(1)).one().payload
        sealed = Sealed(base64.b64decode(told["ciphertext"]), base64.b64decode(told["nonce"]), told["key"])
        sealer = Sealer(load_keys(self.site.app.state.house.settings))
        return f"{self.address}/setup/{sealer.open(sealed, mail_place(told['link']))}"

    def signed_in(self, browser: Browser, who: str) -> Page:
        context = browser.new_context(reduced_motion="reduce")
        context.add_cookies([{"name": "session", "value": self.site.seeded.cookies[who], "url": self.address}])
        return context.new_page()


@pytest.fixture
def place(tmp_path: Path) -> Generator[Place]:
    own = Settings(
        data_dir=tmp_path,
        secret_key=SecretStr(base64.b64encode(os.urandom(32)).decode()),
        allow_scripted_models=True,
        allow_loopback=True,
        smtp_url=SecretStr("smtp://127.0.0.1:9"),
        mail_from="signoff@example.com",
    )
    store = Store.open(own.store_url)
    METADATA.create_all(store.engine)
    site = Site(pages_app(store, own), store, seed(store))
    with serving(site.app) as address:
        yield Place(address, site)
    site.app.state.house.entrance.close()
    store.close()


def problems(page: Page) -> list[str]:
    """What axe finds, and what sticks out sideways, on the page as it is now."""
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(SETTLED)
            found += [f"{page.url} {scheme} {width}: {words}" for words in axe_violations(page)]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{page.url} {scheme} {width}: scrolls sideways")
    return found


def sign_out(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("html[data-ready]").wait_for()
    page.locator("form[action='/sign-out'] button").evaluate("button => button.click()")
    page.wait_for_url("**/sign-in*")


def sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def choose(page: Page, password: str, button: str = "Set password and sign in") -> None:
    page.get_by_label("New password").fill(password)
    page.get_by_label("The same password again").fill(password)
    page.get_by_role("button", name=button).click()


def enrol(page: Page) -> TOTP:
    """Set an app up as the page says, and go on."""
    page.wait_for_url("**/sign-in/set-up*")
    assert problems(page) == []
    app = TOTP((page.locator("#app-key").text_content() or "").replace(" ", ""))
    page.get_by_label("Code").fill(app.now())
    page.get_by_role("button", name="Turn on and sign in").click()
    page.get_by_text("Keep these recovery codes").wait_for()
    assert problems(page) == []
    page.get_by_role("link", name="I have kept them: go on").click()
    return app


def test_invited_with_a_second_factor_and_back_again(browser: Browser, place: Place):
    with place.site.store.write() as session:
        session.execute(update(Workspace).values(is_second_factor_required=True))
        session.execute(update(SignInSession).values(is_two_factor=True))
    owner = place.signed_in(browser, "mei")
    owner.goto(f"{place.address}{place.site.base}/settings/members/new")
    owner.get_by_label("E-mail address").fill("noor@northwind.example")
    owner.get_by_label("Name").fill("Noor Haddad")
    owner.locator("main form button[type=submit]").last.click()
    owner.get_by_text("noor@northwind.example").first.wait_for()
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.goto(place.link_of_mail())
    assert problems(page) == []
    choose(page, NEW)
    app = enrol(page)
    page.wait_for_url(f"**{place.site.base}")
    notice = place.link_of_mail()
    sign_out(page)
    assert problems(page) == []
    sign_in(page, "noor@northwind.example", NEW)
    page.wait_for_url("**/sign-in/code*")
    assert problems(page) == []
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("not right, or was used before").first.wait_for()
    assert problems(page) == []
    # The next half minute's code: the present one was used up by setting the app up.
    page.get_by_label("Code").fill(app.at(clock.now() + timedelta(seconds=30)))
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"**{place.site.base}")
    # Somebody else set it up after all, says the holder of the mailbox.
    mine = browser.new_context(reduced_motion="reduce").new_page()
    mine.goto(notice)
    mine.get_by_role("heading", name="Take your account back").wait_for()
    assert problems(mine) == []
    choose(mine, "quite another sentence of mine", "Take it away and sign in")
    enrol(mine)
    mine.wait_for_url(f"**{place.site.base}")
    page.goto(f"{place.address}{place.site.base}/runs")
    page.wait_for_url("**/sign-in*")
    assert page.get_by_role("heading", name="Sign in").is_visible()
    for one in (owner, page, mine):
        one.context.close()


def test_forgotten_by_mail_and_the_old_session_is_gone(browser: Browser, place: Place):
    old = place.signed_in(browser, "ines")
    old.goto(f"{place.address}{place.site.base}")
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.goto(f"{place.address}/sign-in")
    page.get_by_role("link", name="Get a link").click()
    assert problems(page) == []
    page.get_by_label("E-mail address").fill("ines@northwind.example")
    page.get_by_role("button", name="Send me a link").click()
    page.get_by_text("Look into your mailbox").wait_for()
    assert problems(page) == []
    link = place.link_of_mail()
    page.goto(link)
    assert problems(page) == []
    choose(page, NEW)
    page.wait_for_url(f"**{place.site.base}")
    old.reload()
    old.wait_for_url("**/sign-in*")
    sign_in(old, "ines@northwind.example", PASSWORD)
    old.get_by_text("do not belong together").first.wait_for()
    assert problems(old) == []
    old.goto(link)
    old.get_by_text("This link cannot be used").wait_for()
    assert problems(old) == []
    for one in (old, page):
        one.context.close()


def test_the_button_of_single_sign_on_leads_there_and_back(browser: Browser, place: Place):
    with issuing() as issuer:
        open_door(place.site, issuer)
        page = browser.new_context(reduced_motion="reduce").new_page()
        page.goto(f"{place.address}/sign-in?next={place.site.base}/runs")
        assert problems(page) == []
        page.get_by_role("link", name="Continue with Acme Login").click()
        page.wait_for_url(f"**{place.site.base}/runs")
        sign_out(page)
        page.get_by_text("You are signed out here").wait_for()
        assert problems(page) == []
        page.context.close()
