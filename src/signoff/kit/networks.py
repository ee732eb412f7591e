"""From where somebody asks, as it is counted: one IPv4 address, or the /64 of an IPv6 one."""

from __future__ import annotations

import ipaddress

# What one home or one machine is given: whoever has one address of it has 2^64.
_IPV6_BITS = 64


def counted_as(address: str) -> str:
    """Return the name under which what comes from a network address is counted. What is no address stays as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _IPV6_BITS), strict=False))
