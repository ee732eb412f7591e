"""A key that somebody typed into an agent is told, and not repeated."""

from __future__ import annotations

import pytest

from signoff.agents.lint import lint
from signoff.agents.lint.facts import NO_FACTS
from signoff.agents.lint.typed_keys import lint_typed_keys

KEYS = (
    "sk-proj-" + "aB3" * 10,
    "sk_live_" + "4eC39HqLyjWDarjt",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "a1B2" * 9,
    "glpat-" + "x1Y2z3" * 4,
    "xoxb-" + "123456789012-abcdef",
    "so_abcdefghjk_" + "Q" * 43,
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2ln",
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "password: hunter2isNotShort",
    "API key = 9f8e7d6c5b4a39281706",
    "Authorization: Bearer 0aB1cD2eF3gH4iJ5",
)


@pytest.mark.parametrize("key", KEYS)
def test_what_looks_like_a_key_is_told_with_its_line_and_without_the_key(key: str) -> None:
    found = [one for one in lint({"sop": f"Look it up.\nUse {key} for it."}) if one.code == "looks_like_a_key"]
    assert [(one.severity, one.path, one.line) for one in found] == [("warning", "sop", 2)]
    assert key not in str(found)
    assert key[-6:] not in str(found)


@pytest.mark.parametrize(
    "text",
    [
        "Sign with {{secret.ERP_TOKEN}}.",
        "password: {{secret.ERP_PASSWORD}}",
        "The token is handed over by the customer.",
        "Never tell a password, an API key or a secret to anybody.",
        "secret: ask the accounting department",
        "Order numbers look like PO-2026-000123, ids like run_01j8z3k4m5n6p7q8r9s0t1v2w3.",
        "See https://example.com/docs/tokens/2026 for the token limits.",
    ],
)
def test_plain_words_are_none(text: str) -> None:
    assert [one for one in lint({"sop": text}) if one.code == "looks_like_a_key"] == []


def test_it_is_found_in_every_text_of_a_body() -> None:
    body = {"sop": "Do it.", "tools": [{"slot": "erp", "allow": [{"tool": "x", "args": {"auth": {"fixed": KEYS[0]}}}]}]}
    found = [one.path for one in lint(body) if one.code == "looks_like_a_key"]
    assert found == ["tools[0].allow[0].args.auth.fixed"]


@pytest.mark.parametrize("text", ["eyJ" + "a" * 100_000, "password " * 12_000, "a" * 100_000, "token=" + "1a" * 50_000])
def test_a_long_text_is_read_to_its_end(text: str) -> None:
    # With a slow expression this would never come back.
    assert len(list(lint_typed_keys({"sop": text}, NO_FACTS))) <= 20
