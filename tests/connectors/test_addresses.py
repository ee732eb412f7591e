"""Only public addresses are reached, in whatever form the others come."""

from __future__ import annotations

import ipaddress

import pytest

from signoff.connectors.addresses import AddressRules, is_permitted, is_port_permitted, networks_of
from signoff.kit.errors import Fault

STRICT = AddressRules()
PRIVATE_V4 = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.1.2.3",
    "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1",
    "192.168.0.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
PRIVATE_V6 = [
    "::", "::1", "::2", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "fdff::1", "ff02::1",
    "100::1", "2001::1", "2001:db8::1", "2001:10::1", "3fff::1", "5f00::1", "64:ff9b:1::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001:800::200e"]


def embedded(text: str) -> list[str]:
    """Every IPv6 form that carries an IPv4 address."""
    number = int(ipaddress.IPv4Address(text))
    high, low = number >> 16, number & 0xFFFF
    return [
        f"::ffff:{text}",
        f"::ffff:{high:x}:{low:x}",
        f"::{text}",
        f"64:ff9b::{high:x}:{low:x}",
        f"2002:{high:x}:{low:x}::1",
        f"2606:4700::5efe:{high:x}:{low:x}",
        f"2606:4700::200:5efe:{high:x}:{low:x}",
    ]


@pytest.mark.parametrize("text", [*PRIVATE_V4, *PRIVATE_V6])
def test_an_address_that_is_not_public_is_refused(text: str) -> None:
    assert not is_permitted(text, STRICT)


@pytest.mark.parametrize("text", [form for address in PRIVATE_V4 for form in embedded(address)])
def test_a_private_address_inside_another_form_is_refused(text: str) -> None:
    assert not is_permitted(text, STRICT)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_reached(text: str) -> None:
    assert is_permitted(text, STRICT)


@pytest.mark.parametrize(
    "text", ["0177.0.0.1", "2130706433", "0x7f.1", "127.1", "①②⑦.⓪.⓪.①", "", "localhost", "1.1.1.1 "]
)
def test_what_is_not_written_as_an_address_is_refused(text: str) -> None:
    assert not is_permitted(text, STRICT)


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.8.8"])
def test_loopback_is_reached_where_the_operator_allows_it(text: str) -> None:
    assert is_permitted(text, AddressRules(allow_loopback=True))


def test_loopback_allowed_opens_nothing_else() -> None:
    rules = AddressRules(allow_loopback=True)
    assert [text for text in [*PRIVATE_V4, *PRIVATE_V6] if is_permitted(text, rules)] == [
        "127.0.0.1",
        "127.1.2.3",
        "::1",
    ]


def test_a_private_network_is_reached_where_the_operator_names_it() -> None:
    rules = AddressRules(networks=networks_of(["10.1.0.0/16", "fd00::/8", "169.254.0.0/16"]))
    assert is_permitted("10.1.2.3", rules)
    assert is_permitted("::ffff:10.1.2.3", rules)
    assert is_permitted("fd12::1", rules)
    assert not is_permitted("10.2.0.1", rules)
    assert not is_permitted("169.254.169.254", rules), "metadata services are never reached"


def test_a_setting_that_is_no_network_is_told() -> None:
    with pytest.raises(Fault, match="allow_private_networks"):
        networks_of(["10.0.0.0/99"])


@pytest.mark.parametrize("port", [0, 1, 22, 25, 53, 110, 143, 445, 3306, 5432, 6379, 9092, 11211, 27017, 65536, -1])
def test_ports_of_other_programs_are_refused(port: int) -> None:
    assert not is_port_permitted(port)


@pytest.mark.parametrize("port", [80, 443, 3000, 8000, 8080, 8443, 9200, 65535])
def test_ports_of_web_servers_are_reached(port: int) -> None:
    assert is_port_permitted(port)
