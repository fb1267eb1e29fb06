"""IPAddress."""

from __future__ import annotations

import ipaddress
import re

from gateway.expressions.equality import EQUALS
from gateway.expressions.formatting.text import TEXT
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue, Ref

FAMILY = enumeration("System.Net.Sockets.AddressFamily", Unspecified=0, InterNetwork=2, InterNetworkV6=23)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _parse_address(value: str | None) -> Address:
    if value is None:
        raise argument_null("ipString")
    try:
        return _classic(value) or ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        raise thrown("FormatException", "An invalid IP address was specified.") from None


def _classic(value: str) -> ipaddress.IPv4Address | None:
    """``1.2.3``, ``0x7f.1``, ``010.0.0.1``: fewer parts, hexadecimal and octal ones, as inet_aton reads them."""
    parts = value.split(".")
    if len(parts) > IPV4_PARTS or not all(map(_PART.fullmatch, parts)):
        return None
    *head, last = [int(part, _radix(part)) for part in parts]
    if max(head, default=0) > LAST_OCTET or last >= 256 ** (IPV4_PARTS - len(head)):
        return None
    for place, number in enumerate(head):
        last += number << 8 * (IPV4_PARTS - 1 - place)
    return ipaddress.IPv4Address(last)


def _radix(part: str) -> int:
    return 16 if part[:2].lower() == "0x" else 8 if part[0] == "0" else 10


_PART = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*", re.ASCII)
IPV4_PARTS, LAST_OCTET = 4, 255


def _address_text(address: Address) -> str:
    """An IPv4 address within an IPv6 address is written in IPv4 notation."""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(address) if mapped is None else f"::ffff:{mapped}"


def _address_of(data: bytes) -> Address:
    if len(data) not in (4, 16):
        raise thrown("ArgumentException", "An invalid IP address was specified. (Parameter 'address')", "address")
    return ipaddress.ip_address(bytes(data))


def _last_four(address: Address) -> Address:
    """``MapToIPv4``: the last four bytes, whatever precedes them."""
    return ipaddress.IPv4Address(address.packed[-4:])


def _try_address(value: str | None, out: Ref) -> bool:
    out.value = None
    try:
        out.value = _parse_address(value)
    except Thrown:
        return False
    return True


def _unmapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address inside an IPv4-mapped one; any other address unchanged."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


ADDRESS = define("System.Net.IPAddress", {
    "slow new(byte[] address)": _address_of,
    "static IPAddress Parse(string ipString)": _parse_address,
    "static bool TryParse(string ipString, out IPAddress address)": _try_address,
    "static bool IsLoopback(IPAddress address)": lambda address: address.is_loopback,
    "const IPAddress IPv6Any": ipaddress.IPv6Address(0),
    "const IPAddress IPv6Loopback": ipaddress.IPv6Address(1),
    "const IPAddress IPv6None": ipaddress.IPv6Address(0),
    "AddressFamily AddressFamily": lambda address: EnumValue(FAMILY, 2 if address.version == 4 else 23),
    "byte[] GetAddressBytes()": lambda address: bytearray(address.packed),
    "bool IsIPv6LinkLocal": lambda address: address.version == 6 and address.is_link_local,
    "bool IsIPv6Multicast": lambda address: address.version == 6 and address.is_multicast,
    "bool IsIPv6SiteLocal": lambda address: address.version == 6 and address.is_site_local,
    "bool IsIPv6Teredo": lambda address: address.version == 6 and address.teredo is not None,
    "bool IsIPv4MappedToIPv6": lambda address: _unmapped(address) is not address,
    "IPAddress MapToIPv4()": _last_four,
    "IPAddress MapToIPv6()":
        lambda address: address if address.version == 6 else ipaddress.ip_address(f"::ffff:{address}"),
    "slow string ToString()": _address_text,
})  # fmt: skip


class FixedAddress(ipaddress.IPv4Address):
    """One of IPAddress's own constants, which nothing may change."""

    __slots__ = ()


def _equal(left: object, right: object) -> bool:
    return isinstance(right, ipaddress.IPv4Address) and left == right


EQUALS[FixedAddress] = EQUALS[ipaddress.IPv4Address] = _equal
define("System.Net.IPAddress", {
    f"const IPAddress {name}": FixedAddress(text)
    for name, text in {"Loopback": "127.0.0.1", "Any": "0.0.0.0", "Broadcast": "255.255.255.255",  # noqa: S104
                       "None": "255.255.255.255"}.items()
})  # fmt: skip
represent(FixedAddress, define("System.Net.IPAddress+ReadOnlyIPAddress", parents=("IPAddress",)))
TEXT[FixedAddress] = _address_text
for _class in (ipaddress.IPv4Address, ipaddress.IPv6Address):
    represent(_class, ADDRESS)
    TEXT[_class] = _address_text
