"""Forms with texts no form of ours sends: never a crash, and nothing a database cannot give back."""

from __future__ import annotations

import pytest

from tests.web.pages.conftest import Site

ODD = [
    '{"message_id": "\\u0000"}',
    '{"message_id": "\\ud800"}',
    '{"message_id": 1e999}',
    '{"message_id": NaN}',
    '{"message_id": ' + "9" * 30 + "}",
    '{"message_id": ' + "9" * 5_000 + "}",
    '{"message_id": "a", "message_id": "b"}',
    '{"message_id": ' + "[" * 500 + "]" * 500 + "}",
    "[" * 100_000,
    "\x00",
    "\ufeff{}",
    '{"\\u0000": 1}',
]


PATHS = (
    "/sign-in", "/setup/set_x", "/w/northwind/settings/members", "/w/northwind/settings/keys",
    "/w/northwind/settings/limits", "/w/northwind/secrets", "/w/northwind/agents/new", "/w/northwind/runs/cancel",
)  # fmt: skip
BODIES = [
    (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
    (b"a=%ff%00&a=%ud800&email=%00", "application/x-www-form-urlencoded"),
    (b"&".join(b"a=b" for _ in range(6_000)), "application/x-www-form-urlencoded"),
    (
        b"--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nc\r\n--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    (b"--x\r\nno", "multipart/form-data; boundary=x"),
    (b"x", "multipart/form-data"),
    (b'{"a": 1}', "application/json"),
    (b"x" * 10_000, ""),
]


def test_json_in_a_form_is_read_as_strictly_as_in_the_api(site: Site) -> None:
    browser = site.browser()
    for text in ODD:
        run = browser.post(
            f"{site.base}/agents/supplier-mail/run", data={"environment": "production", "way": "json", "input": text}
        )
        assert run.status_code in (303, 422), (text[:40], run.status_code)
        draft = {"version": "1", "sop": "x", "model": "openai:x", "input_schema": text, "tools": text}
        saved = browser.post(f"{site.base}/agents/supplier-mail/edit", data=draft)
        assert saved.status_code < 500, (text[:40], saved.text[:500])
        connection = {"environment": "staging", "slug": "odd", "name": "Odd", "kind": "openapi", "document": text}
        made = browser.post(f"{site.base}/connections/new", data=connection)
        assert made.status_code < 500, (text[:40], made.text[:500])


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_form_that_is_none_breaks_nothing(site: Site) -> None:
    browser = site.browser()
    for path in PATHS:
        for body, kind in BODIES:
            answer = browser.post(path, content=body, headers={"Content-Type": kind} if kind else {})
            assert answer.status_code < 500, (path, body[:30], answer.text[:500])
