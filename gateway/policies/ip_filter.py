"""
ip-filter: let callers in, or keep them out, by their address.

Source: APIM policy reference, "ip-filter". The caller's address follows the trusted-proxies rule of the listener.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Content, Element
from gateway.errors import ExpressionError, PolicyError
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import combined

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Range = tuple[Address, Address]

ACTIONS = ("allow", "forbid")

_ADDRESS = Element(
    "address", "One address, or (not in APIM) a network such as `10.0.0.0/8`.", content=Content.TEXT, required=True
)
_RANGE = Element(
    "address-range",
    "Addresses from one to another, both included.",
    attributes=(Attribute("from", "First address.", required=True), Attribute("to", "Last address.", required=True)),
)


@dataclass(frozen=True, slots=True)
class IpFilter(PolicyType):
    """One compiled ip-filter."""

    shape: ClassVar[Element] = Element(
        "ip-filter",
        "Admits or refuses callers by their address.",
        attributes=(
            ID,
            Attribute("action", "`allow` only those listed, or `forbid` them.", required=True, choices=ACTIONS),
        ),
        children=(Child(_ADDRESS, maximum=None), Child(_RANGE, maximum=None)),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})
    changes: ClassVar[None] = None

    action: Value[str]
    ranges: Value[tuple[Range, ...]]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<ip-filter>``. Raises LoadError: an address is not valid."""
        singles = [_ranges([address.content()], address) for address in settings.all("address")]
        spans = [_ranges([span.text("from"), span.text("to")], span) for span in settings.all("address-range")]
        return cls(settings.text("action"), combined([*singles, *spans], tuple))

    def apply(self, context: Context) -> None:
        """Raises PolicyError: FailedToParseCallerIP, CallerIpNotAllowed, CallerIpBlocked."""
        given = context.request.ip_address
        caller = parse(given)
        if caller is None:
            message = "Failed to establish IP address for the caller. Access denied."
            raise PolicyError(403, "FailedToParseCallerIP", message, expected="an IP address", found=given)
        listed = any(
            first.version == caller.version and first <= caller <= last  # type: ignore[operator]
            for first, last in self.ranges(context)
        )
        action = self.action(context)
        if action == "forbid" and listed:
            message = "Caller IP address is blocked. Access denied."
            expected = {"not_in": _written(self.ranges(context))}
            raise PolicyError(403, "CallerIpBlocked", message, expected=expected, found=given)
        if action != "forbid" and not listed:
            message = f"Caller IP address {given} is not allowed. Access denied."
            expected = {"in": _written(self.ranges(context))}
            raise PolicyError(403, "CallerIpNotAllowed", message, expected=expected, found=given)


def _written(ranges: Iterable[Range]) -> list[str]:
    """*ranges* for people; a list of thousands only by its beginning."""
    return [str(first) if first == last else f"{first} to {last}" for first, last in islice(ranges, 21)]


def parse(text: str) -> Address | None:
    """The address that *text* spells; IPv4 within IPv6 is IPv4."""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _ranges(parts: list[Value[str]], settings: Settings) -> Value[Range]:
    try:
        return combined(parts, lambda texts: _range(*texts))
    except ExpressionError as error:
        raise settings.error("bad-value", error.message, "write an IPv4 or IPv6 address") from None


def _range(first: str, last: str | None = None) -> Range:
    if last is None:
        return _network(first) if "/" in first else (_address(first), _address(first))
    begin, end = _address(first), _address(last)
    if begin.version != end.version:
        raise ExpressionError("FormatException", f"one end is IPv4 and the other IPv6: {first} to {last}")
    if int(begin) > int(end):
        raise ExpressionError("FormatException", f"the range begins after its end: {first} to {last}")
    return begin, end


def _address(text: str) -> Address:
    address = parse(text)
    if address is None:
        raise ExpressionError("FormatException", f"{text!r} is not an address")
    return address


def _network(text: str) -> Range:
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ExpressionError("FormatException", f"{text!r} is not a network") from None
    return network[0], network[-1]
