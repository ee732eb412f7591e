"""The page for a forgotten password: the same answer for everybody, in words and in time."""

from __future__ import annotations

import time

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from signoff.settings import Settings
from signoff.tables.record import OutboxMessage
from signoff.tables.session import Store
from tests.web.kit_pages import pages_app
from tests.web.pages.conftest import Site
from tests.web.seed import seed


@pytest.fixture
def mailing(store: Store, settings: Settings) -> Site:
    """The site, on an installation that sends mail."""
    own = settings.model_copy(
        update={
            "smtp_url": SecretStr("smtp://127.0.0.1:1"),
            "mail_from": "s@example.com",
            "sign_in_per_minute": 100_000,
        }
    )
    return Site(pages_app(store, own), store, seed(store))


def mails(site: Site) -> int:
    site.app.state.house.entrance.forgotten.settle()
    with site.store.read() as session:
        query = select(func.count()).select_from(OutboxMessage).where(OutboxMessage.kind == "link.mail")
        return session.scalar(query) or 0


def test_without_mail_it_says_whom_to_ask(site: Site):
    visitor = site.visitor()
    assert 'href="/forgotten"' in visitor.get("/sign-in").text
    for answer in (visitor.get("/forgotten"), visitor.post("/forgotten", data={"email": "mei@northwind.example"})):
        assert answer.status_code == 200
        assert "Ask an administrator" in answer.text
        assert "<form" not in answer.text.split("<main")[1]


def test_everybody_is_answered_alike_and_one_of_them_gets_mail(mailing: Site):
    texts: set[str] = set()
    for email in ("mei@northwind.example", "nobody@northwind.example"):
        answer = mailing.visitor().post("/forgotten", data={"email": email})
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        texts.add(answer.text.replace(email, ""))
    assert len(texts) == 1
    assert mails(mailing) == 1


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b@c", "x" * 300 + "@example.com", "a@example.com\nBcc: e@evil.example"]
)
def test_what_is_no_address_is_said_so_and_stays(mailing: Site, email: str):
    answer = mailing.visitor().post("/forgotten", data={"email": email})
    assert answer.status_code == 422
    assert "is not an e-mail address" in answer.text
    assert mails(mailing) == 0


def test_a_mailbox_is_not_filled(mailing: Site):
    visitor = mailing.visitor()
    for email in ("mei@northwind.example", "nobody@northwind.example"):
        answers = [visitor.post("/forgotten", data={"email": email}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert int(answers[3].headers["retry-after"]) > 60
    assert mails(mailing) == 3


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_time_of_the_answer_does_not_tell(mailing: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("signoff.people.knocks.MAILS_AT_ONCE", 1_000)
    visitor = mailing.visitor()
    taken: dict[str, list[float]] = {"mei@northwind.example": [], "nobody@northwind.example": []}
    for _ in range(25):
        for email, times in taken.items():
            started = time.perf_counter()
            visitor.post("/forgotten", data={"email": email})
            times.append(time.perf_counter() - started)
            # What follows the answer is not part of the next one's time.
            mails(mailing)
    # The quickest of each: what else the machine does makes an answer slower, and never quicker.
    known, unknown = (min(times) for times in taken.values())
    assert abs(known - unknown) < max(0.25 * unknown, 0.004)
