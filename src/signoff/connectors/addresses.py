"""Which addresses and ports an outgoing request may reach. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from signoff.kit.errors import Fault

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_SIX_TO_FOUR_RELAY = ipaddress.IPv4Network("192.88.99.0/24")
_SPECIAL_V6 = tuple(
    ipaddress.IPv6Network(text)
    for text in ("64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10")
)
# Interface ids that carry an IPv4 address (ISATAP), with and without the "globally unique" bit.
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
# Programs that are not web servers and can be made to obey a request all the same. Below 1024 only 80 and 443 pass.
_PORTS_REFUSED = frozenset(
    {1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 5433}
    | {5672, 6000, 6379, 6380, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9042, 9092, 10080, 10250, 11211}
    | {27017, 27018, 27019}
)


@dataclass(frozen=True, slots=True)
class AddressRules:
    """What the operator allows beyond the public internet.

    Args:
        networks: private networks whose addresses may be reached; never link-local ones.
    """

    allow_loopback: bool = False
    networks: tuple[Network, ...] = ()


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks the operator wrote (`10.0.0.0/8`).

    Raises:
        Fault: one of them is not a network.
    """
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError as error:
            raise Fault(
                f"The setting allow_private_networks holds “{text}”, which is not a network such as 10.0.0.0/8.",
                code="bad_setting",
            ) from error
    return tuple(found)


def decoded(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 one (mapped, compatible, NAT64, 6to4, ISATAP), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    low = int(address) & 0xFFFF_FFFF
    if address in _NAT64:
        return ipaddress.IPv4Address(low)
    if address in _COMPATIBLE and low > 1:
        return ipaddress.IPv4Address(low)
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return ipaddress.IPv4Address(low)
    return address


def is_permitted(text: str, rules: AddressRules) -> bool:
    """Return whether a connection to the address `text` may be made."""
    try:
        written = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return False
    address = decoded(written)
    if address.is_loopback:
        return rules.allow_loopback
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        # Metadata services of clouds live here; no setting opens them.
        return False
    if any(address in network for network in rules.networks if network.version == address.version):
        return True
    return _is_public(address)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_reserved and address not in _SIX_TO_FOUR_RELAY
    return address.is_global and not any(address in network for network in _SPECIAL_V6)


def is_loopback_host(host: str) -> bool:
    """Return whether a host, as an address names it, is this machine by its very name; nobody is asked."""
    try:
        return decoded(ipaddress.ip_address(host.strip("[]"))).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def is_port_permitted(port: int) -> bool:
    """Return whether a web request may go to `port`."""
    return port in (80, 443) or (1024 <= port <= 65_535 and port not in _PORTS_REFUSED)
