"""Lists of values: no spelling slips by, and what cannot be compared does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.agents.rules import ValueRule
from signoff.agents.values import is_readable, value_problems


def fits(value: Any, path: str = "to", **rule: Any) -> bool:
    args = {"to": value} if path == "to" else value
    return not list(value_problems(args, path, ValueRule.model_validate(rule)))


GOOD_DOMAINS: list[Any] = [
    "ann@example.com", "Ann <ann@example.com>", "ann@EXAMPLE.com", "ann@mail.example.com", "example.com.",
    "ann@example.com, bob@mail.example.com", ["ann@example.com", ["bob@example.com"]], "https://www.example.com/a?b=c",
    "ann@ｅｘａｍｐｌｅ.com", [],
]  # fmt: skip
BAD_DOMAINS: list[Any] = [
    "ann@evil.com", "ann@example.com.evil.com", "ann@evilexample.com", "ann@example.com,eve@evil.com",
    "ann@example.com; eve@evil.com", ["ann@example.com", "eve@evil.com"], "ann@example.com <eve@evil.com>",
    "\"ann@example.com\" <eve@evil.com>", "ann@example.com eve@evil.com", "ann@example.com\neve@evil.com",
    "https://example.com@evil.com/", "https://evil.com\\@example.com", "https://evil.com/example.com",
    "http://[example.com", "ann@exampIe.com", "ann@еxample.com", "eve@evil.com@example.com", "", " ", None, 5.0, True,
    {"address": "ann@example.com"}, ["ann@example.com", None, {"a": 1}], "ann@ex ample.com", "ann@", "@example.com",
    "a" * 3_000,
]  # fmt: skip


@pytest.mark.parametrize("value", GOOD_DOMAINS, ids=repr)
def test_an_allowed_domain_is_allowed_however_it_is_written(value: Any) -> None:
    assert fits(value, kind="domain", allow=["example.com"])


@pytest.mark.parametrize("value", BAD_DOMAINS, ids=lambda value: repr(value)[:40])
def test_no_other_domain_slips_by(value: Any) -> None:
    assert not fits(value, kind="domain", allow=["example.com"])


@pytest.mark.parametrize("entry", ["example.com", "@example.com", "*.example.com", ".EXAMPLE.com", "example.com."])
def test_a_domain_may_be_written_in_several_ways(entry: str) -> None:
    assert fits("ann@example.com", kind="domain", allow=[entry])
    assert not fits("ann@example.com", kind="domain", deny=[entry])
    assert not fits("ann@EXAMPLE.com", kind="domain", deny=[entry])


def test_a_domain_in_another_script_is_the_one_it_is_in_the_network() -> None:
    assert fits("ann@BÜCHER.example", kind="domain", allow=["bücher.example"])
    assert fits("ann@xn--bcher-kva.example", kind="domain", allow=["bücher.example"])
    # Older software takes one for the other; mail does not.
    assert not fits("ann@faß.example", kind="domain", allow=["fass.example"])


@pytest.mark.parametrize(
    ("value", "is_good"),
    [
        ("ann@example.com", True), ("Ann@Example.COM", True), ("Ann <ann@example.com>", True),
        (["ann@example.com"], True), ("ann+x@example.com", False), ("ann@mail.example.com", False),
        ("bob@example.com", False), ("ann@example.com,bob@example.com", False), ("ann", False),
        ("аnn@example.com", False),
        ("ann@example.com\x00", False), ("mailto:ann@example.com", False),
    ],
)  # fmt: skip
def test_mail_addresses_are_compared_whole(value: Any, is_good: bool) -> None:
    assert fits(value, kind="email", allow=["ann@example.com"]) is is_good


@pytest.mark.parametrize(
    ("value", "is_good"),
    [
        ("/reports", True), ("/reports/2026/a.csv", True), ("/reports/./a", True), ("//reports/a", False),
        ("\\\\reports\\a", False), ("/\\reports/a", False), ("/reports//a", True),
        ("/reports/x/../a", True), ("/reports/a%20b", True), ("/reports-old/a", False), ("/reports/../etc", False),
        ("/reports/%2e%2e/etc", False), ("/reports/%252e%252e/etc", False), ("/reports/..\\..\\etc", False),
        ("/reports/．．／etc", False), ("reports/a", False), ("/etc", False), ("/Reports/a", False),
        ("~/reports", False),
        ("/reports/..;/etc", False), ("/reports/..;x=1/etc", False), ("/reports/%2e%2e;/etc", False),
        ("/reports/a;v=1/b", True), ("%2f%2freports/a", False), ("%5c%5creports%5ca", False),
        ("/reports/.. /etc", False), ("/reports/.../a", False), ("/reports/a\x00", False), ("", False), (3, False),
        (["/reports/a", "/etc"], False), ("/reports/%25252525252e", False), ("/reports/%ff", False),
    ],
)  # fmt: skip
def test_a_path_is_compared_as_it_would_be_followed(value: Any, is_good: bool) -> None:
    assert fits(value, kind="path", allow=["/reports"]) is is_good


@pytest.mark.parametrize("kind", ["email", "exact"])
@pytest.mark.parametrize(
    "value",
    ["eve+x@evil.com", "Eve+a+b@EVIL.com", "eve+@evil.com", "e%76e@evil.com", "eve%40evil.com", "e%2576e@evil.com"],
)
def test_a_denied_address_is_denied_with_a_tag_and_encoded(kind: str, value: str) -> None:
    assert not fits(value, kind=kind, deny=["eve@evil.com"])
    assert fits("evelyn@evil.com", kind=kind, deny=["eve@evil.com"])


def test_an_address_that_hides_another_in_a_percent_sign_does_not_fit() -> None:
    assert not fits("eve%evil.com@example.com", kind="domain", allow=["example.com"])
    assert not fits("ann%40evil.com@example.com", kind="email", deny=["eve@evil.com"])


def test_a_path_on_another_machine_fits_no_list() -> None:
    for value in ("\\\\srv\\x", "//srv/x", "\\/srv/x"):
        assert not fits(value, kind="path", allow=["/srv"])
        assert not fits(value, kind="path", deny=["/etc"])
    assert not is_readable(ValueRule(kind="path"), "//srv/x")


def test_a_path_may_be_relative_or_in_a_store() -> None:
    assert fits("out/a", kind="path", allow=["out/"])
    assert not fits("out/../../a", kind="path", allow=["out/"])
    assert fits("s3://bucket/out/a", kind="path", allow=["s3://bucket/out"])
    assert not fits("s3://bucket/out/../a", kind="path", allow=["s3://bucket/out"])
    assert not fits("s3://bucket2/out", kind="path", allow=["s3://bucket"])
    assert not fits("/SECRET/../secret/a", kind="path", deny=["/Secret"])
    assert fits("/public/a", kind="path", deny=["/secret"])


def test_exact_values_are_exact_and_denied_ones_are_denied_in_any_look() -> None:
    assert fits("DE1", allow=["DE1"])
    assert fits(17, allow=["17"])
    assert [fits(value, allow=["DE1"]) for value in ("de1", "DE1 ", "DE\u200b1", True, 1.0, {"a": "DE1"})] == [
        False
    ] * 6
    assert [fits(value, deny=["DE1"]) for value in ("de1", " DE1", "D\u200bE1", "ＤＥ１")] == [False] * 4
    assert fits("DE2", deny=["DE1"])


def test_a_path_with_dots_reaches_into_objects_and_lists() -> None:
    rule: dict[str, Any] = {"kind": "domain", "allow": ["example.com"]}
    assert fits({"mail": {"to": [{"at": "a@example.com"}]}}, "mail.to.at", **rule)
    assert not fits({"mail": {"to": [{"at": "a@example.com"}, {"at": "e@evil.com"}]}}, "mail.to.at", **rule)
    assert not fits({"mail": {"to": [{"at": "a@example.com"}, {}]}}, "mail.to.at", **rule)
    assert not fits({"mail": "a@example.com"}, "mail.to.at", **rule)
    # A name with a dot of its own hides nothing.
    assert not fits({"mail": {"to": "a@example.com"}, "mail.to": "e@evil.com"}, "mail.to", **rule)


def test_what_has_a_list_must_be_given_unless_it_may_be_left_out() -> None:
    assert not fits({}, "cc", allow=["a"])
    assert not fits({"cc": None}, "cc", allow=["a"])
    assert fits({}, "cc", allow=["a"], optional=True)
    assert not fits({"cc": "b"}, "cc", allow=["a"], optional=True)
    assert fits({}, "cc", deny=["a"])


def test_an_entry_that_nobody_can_read_allows_nothing_and_denies_everything() -> None:
    assert not is_readable(ValueRule(kind="email"), "ann")
    assert is_readable(ValueRule(kind="email"), "ann@example.com")
    assert not fits("ann@example.com", kind="email", allow=["ann"])
    assert not fits("ann@example.com", kind="email", deny=["ann"])
