"""A flood of attempts at the sign-in keeps neither pages nor the right person waiting."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Generator

import httpx2
import pytest

from signoff.people import lanes, passwords
from tests.web.pages.conftest import Site
from tests.web.seed import PASSWORD

MEI = "mei@northwind.example"
# More than a process has threads for requests.
MANY = 60
INSIDE = lanes.WAITING_MAX + lanes.THREADS
HOME = "198.51.100.7"


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Generator[threading.Event]:
    """Checking a wrong password takes until the event is set."""
    over, check = threading.Event(), passwords.matches

    def matches(stored: str | None, password: str) -> bool:
        assert password == PASSWORD or over.wait(60)
        return check(stored, password)

    monkeypatch.setattr(passwords, "matches", matches)
    yield over
    over.set()


def caller(site: Site, address: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=site.app, client=(address, 1234))
    return httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers={"Sec-Fetch-Site": "none"})


async def knock(site: Site, number: int) -> httpx2.Response:
    async with caller(site, f"10.1.{number}.1") as client:
        return await client.post("/sign-in", data={"email": f"u{number}@example.com", "password": "wrong"})


async def at_home(site: Site) -> httpx2.Response:
    async with caller(site, HOME) as client:
        return await client.post("/sign-in", data={"email": MEI, "password": PASSWORD})


async def flood(site: Site, over: threading.Event) -> tuple[httpx2.Response, httpx2.Response, list[httpx2.Response]]:
    """(a page, the right person coming in, what the flood was answered), the first two while the flood waits."""
    attempts = [asyncio.create_task(knock(site, number)) for number in range(MANY)]
    left = set(attempts)
    while len(left) > INSIDE:  # Those that are refused are answered at once.
        _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
    async with caller(site, HOME) as client:
        shown = await asyncio.wait_for(client.get("/sign-in"), 60)
    entered = await asyncio.wait_for(at_home(site), 60)
    over.set()
    return shown, entered, await asyncio.gather(*attempts)


def test_pages_and_the_right_person_come_through(site: Site, slow: threading.Event):
    assert asyncio.run(at_home(site)).status_code == 303
    shown, entered, answers = asyncio.run(flood(site, slow))
    assert shown.status_code == 200
    assert (entered.status_code, entered.headers["location"]) == (303, "/w/northwind")
    told = Counter(answer.status_code for answer in answers)
    assert told == {401: INSIDE, 429: MANY - INSIDE}
    assert {answer.headers.get("retry-after") for answer in answers if answer.status_code == 429} == {"10"}


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(site: Site):
    def answer(email: str) -> tuple[int, str, list[tuple[str, str]]]:
        given = site.visitor().post("/sign-in", data={"email": email, "password": "wrong password"})
        kept = [
            (name, value) for name, value in given.headers.items() if name not in ("x-request-id", "content-length")
        ]
        return given.status_code, given.text.replace(email, "E-MAIL"), sorted(kept)

    assert answer(MEI) == answer("nobody@northwind.example")
    answers = [(answer(MEI)[0], answer("nobody@northwind.example")[0]) for _ in range(20)]
    assert [pair[0] for pair in answers] == [pair[1] for pair in answers]
    assert answers[-1] == (429, 429)
