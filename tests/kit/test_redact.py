"""Masking: forty secrets, eight forms each, wherever they stand."""

from __future__ import annotations

import base64
import html
import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.kit.redact import Redactor

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64url": lambda value: base64.urlsafe_b64encode(value.encode()).decode().rstrip("="),
    "hex": lambda value: value.encode().hex().upper(),
    "url": lambda value: quote(value, safe=""),
    "url twice": lambda value: quote(quote(value, safe=""), safe=""),
    "one line": lambda value: " ".join(value.split()),
    "json": lambda value: json.dumps(value)[1:-1],
    "json, every character escaped": lambda value: "".join(f"\\u{ord(char):04x}" for char in value),
    "json, every character escaped in capitals": lambda value: "".join(f"\\u{ord(char):04X}" for char in value),
    "json, every character escaped, in json": lambda value: "".join(f"\\\\u{ord(char):04x}" for char in value),
    "json for an address": lambda value: quote(json.dumps(value)[1:-1], safe=""),
    "python": lambda value: repr({"'": value})[7:-2],
    "html": html.escape,
    "html in json": lambda value: json.dumps(html.escape(value))[1:-1],
    "html, every character escaped in capitals": lambda value: "".join(f"&#x{ord(char):X};" for char in value),
    "reversed halves": lambda value: value[len(value) // 2 :] + value[: len(value) // 2],
}
SPECIAL = ["\"q\\uo/te<&>'", "späßchen-ключ-鍵", "a b+c%d=e&f", "tab\there\nline", "sk-live-0123456789"]
SECRETS = {
    f"S{number}": SPECIAL[number % len(SPECIAL)] + secrets.token_urlsafe(12 + number % 3) for number in range(40)
}
ALL = Redactor(SECRETS)


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("name", list(SECRETS))
def test_forty_secrets_in_eight_forms(name: str, form: str) -> None:
    encoded = FORMS[form](SECRETS[name])
    mark = f"{{{{secret.{name}}}}}"
    assert ALL.text(f"before {encoded} after") == f"before {mark} after"
    value: Any = {"list": [1, None, True, {"deep": encoded}], encoded: "name"}
    assert ALL.value(value) == {"list": [1, None, True, {"deep": mark}], mark: "name"}


@pytest.mark.parametrize(
    "turned", [lambda text: text[::-1], lambda text: text[len(text) // 2 :] + text[: len(text) // 2]]
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_value_turned_about_is_masked_within_json_too(turned: Callable[[str], str], times: int) -> None:
    value = 'Pl7-x9"<&%/+\\é 3f'
    text = turned(value)
    for _ in range(times):
        text = json.dumps({"said": text})
    masked = Redactor({"KEY": value}).text(text)
    assert masked.count("{{secret.KEY}}") == 1
    assert "7lP" not in masked
    assert "Pl7" not in masked


@pytest.mark.parametrize("name", list(SECRETS))
@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
def test_base64_of_a_longer_text_is_masked_at_every_offset(name: str, before: str) -> None:
    value = SECRETS[name]
    header = base64.b64encode(f"{before}{value}@host".encode()).decode()
    masked = ALL.text(f"Authorization: Basic {header}")
    assert f"{{{{secret.{name}}}}}" in masked
    assert base64.b64encode(value.encode()).decode()[4:-4] not in masked


@pytest.mark.parametrize("mark", ["…", "\n[cut here: 100001 characters in all]"])
@pytest.mark.parametrize("form", ["plain", "base64", "hex", "url twice"])
def test_a_value_that_was_cut_off_is_masked_up_to_the_cut(form: str, mark: str) -> None:
    value = "tok-planted/9f3aK2+mZ"
    encoded = FORMS[form](value)
    masked = Redactor({"KEY": value})
    for kept in range(12, len(encoded)):
        assert masked.text(f"It said: {encoded[:kept]}{mark}") == f"It said: {{{{secret.KEY}}}}{mark}"
        assert masked.value({"said": f"a… {encoded[:kept]}{mark}"}) == {"said": f"a… {{{{secret.KEY}}}}{mark}"}


@pytest.mark.parametrize("between", ["\\\\\\\\n", " | ", "\r\n> "])
def test_the_lines_of_a_key_are_masked_whatever_stands_between_them(between: str) -> None:
    lines = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj", "ab3dEf=="]
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"])
    masked = Redactor({"KEY": key})
    told = masked.text(between.join(["-----BEGIN PRIVATE KEY-----", *lines]))
    assert told.count("{{secret.KEY}}") == 2
    assert masked.text("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_what_only_begins_like_a_value_is_left_alone() -> None:
    masked = Redactor({"HOOK": "https://hooks.example.com/T0001/9f3aK2mZ"})
    for text in ("see https://…", "https://hooks.example.com/T0002…", "https://hooks.example.com/T0001 and more…"):
        assert masked.text(text) is text


@given(st.text(min_size=6, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_value_survives_in_plain_json_or_hex(value: str, before: str, after: str) -> None:
    redactor = Redactor({"S": value})
    assert value not in redactor.text(before + value + after).replace("{{secret.S}}", "\x00")
    assert redactor.text(value.encode("utf-8", "surrogatepass").hex()) == "{{secret.S}}"
    assert redactor.text(json.dumps(value)) == '"{{secret.S}}"'


def test_the_longest_is_masked_first() -> None:
    redactor = Redactor({"SHORT": "abcdef", "LONG": "abcdefghij"})
    assert redactor.text("abcdefghij abcdef") == "{{secret.LONG}} {{secret.SHORT}}"


def test_a_character_in_two_halves_is_masked_where_each_is_escaped() -> None:
    redactor = Redactor({"S": "pass😀word"})
    escaped = "\\u0070\\u0061\\u0073\\u0073\\ud83d\\ude00\\u0077\\u006f\\u0072\\u0064"
    assert json.loads(f'"{escaped}"') == "pass😀word"
    assert redactor.text(f"<{escaped}>") == "<{{secret.S}}>"


def test_a_number_can_be_a_secret() -> None:
    redactor = Redactor({"PIN": "4921773"})
    assert redactor.value({"pin": 4921773, "other": 5}) == {"pin": "{{secret.PIN}}", "other": 5}


def test_a_very_short_value_is_masked_where_it_stands_alone() -> None:
    redactor = Redactor({"S": "ab"})
    assert redactor.value(["ab", "cabbage"]) == ["{{secret.S}}", "cabbage"]


def test_what_is_clean_is_not_copied() -> None:
    value = {"a": ["b", {"c": "d" * 1_000}]}
    assert ALL.value(value) is value
    text = "x" * 10_000
    assert ALL.text(text) is text
    assert ALL.text(text) is text


def test_a_text_that_was_clean_for_one_redactor_is_looked_at_by_the_next() -> None:
    text = "y" * 300 + "new-secret-value"
    assert ALL.text(text) is text
    assert Redactor({**SECRETS, "NEW": "new-secret-value"}).text(text).endswith("{{secret.NEW}}")


def test_nothing_to_mask() -> None:
    redactor = Redactor({"EMPTY": ""})
    assert redactor.is_empty
    value = {"a": "b"}
    assert redactor.value(value) is value


def test_what_is_nested_beyond_reason_is_not_shown() -> None:
    deep: Any = SECRETS["S1"]
    for _ in range(500):
        deep = [deep]
    assert SECRETS["S1"] not in json.dumps(ALL.value(deep))


def test_lone_surrogates_are_no_obstacle() -> None:
    assert Redactor({"S": "abc\ud83dabc"}).text("x abc\ud83dabc") == "x {{secret.S}}"


def test_another_secret_is_masked_too_and_a_known_one_costs_nothing() -> None:
    more = ALL.and_also({"OTHER": "something-new", "S0": SECRETS["S0"]})
    assert more.text(f"something-new {SECRETS['S0']}") == "{{secret.OTHER}} {{secret.S0}}"
    assert ALL.text("something-new") == "something-new"
    assert ALL.and_also({"S0": SECRETS["S0"], "NONE": ""}) is ALL
