"""
The one parser of what a trusted proxy reports about the client: ``Forwarded`` and the ``X-Forwarded-`` fields.

Every list is read from its end, which the nearest proxy wrote; what lies beyond the first address that is not a trusted
proxy's was written by strangers. Names spelled with an underscore never count: a proxy that passes them on has not
looked at them. What cannot be read is refused; it is never replaced by the proxy's own address.

Source: RFC 7239 §4, §6 and §7.4; Azure Application Gateway writes a port behind the address.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.reading.values import UNIX, Peers
from gateway.remedies.questions import QuestionFault
from gateway.wire.addresses import Address, unwrap

_PAIR = re.compile(r"""[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^\s",;]*)[ \t]*([;,]|$)""")
_EMPTY = re.compile(r"[ \t]*(?:,|$)")
_PORT = re.compile(r"[0-9]{1,5}|_[A-Za-z0-9._-]+")  # RFC 7239 §6: a number, or an obfuscated name
_BRACKETED = re.compile(rf"\[([0-9A-Fa-f:.]+)\](?::(?:{_PORT.pattern}))?")


class UnreadableForwarding(ValueError):
    """
    A forwarding field of a trusted proxy that cannot be read; the text names it.

    Attributes:
        fault: What the proxy does wrong.
    """

    fault = QuestionFault.UNREADABLE_CLIENT


class ContradictoryForwarding(UnreadableForwarding):
    """Two fields do not agree, or Forwarded is malformed: the proxy has passed on the client's."""

    fault = QuestionFault.CONTRADICTORY_CLIENT


@dataclass(frozen=True, slots=True)
class Forwarding:
    """
    The statements of trusted proxies; each part is empty if they state nothing.

    Attributes:
        address: The client's.
        scheme, host: As the client used them.
    """

    address: str = ""
    scheme: str = ""
    host: str = ""


def read_forwarding(lines: dict[str, str], networks: tuple[Peers, ...]) -> Forwarding:
    """
    What the forwarding fields among *lines* say about the client.

    Raises:
        UnreadableForwarding: They cannot be read, or the two families contradict each other, so that the client wrote
            one of them.
    """
    listed = _listed(lines, networks)
    if "forwarded" not in lines:
        return listed
    standard = _standard(lines, networks)
    return Forwarding(
        _agreed("address", listed.address, standard.address),
        _agreed("scheme", listed.scheme, standard.scheme),
        _agreed("host", listed.host, standard.host),
    )


def _agreed(what: str, listed: str, standard: str) -> str:
    if listed and standard and listed.lower() != standard.lower():
        raise ContradictoryForwarding(f"The X-Forwarded fields and Forwarded disagree about the client's {what}")
    return listed or standard


def _listed(lines: dict[str, str], networks: tuple[Peers, ...]) -> Forwarding:
    """The X- family: one list each."""
    address, hops = _client("X-Forwarded-For", members(lines, "x-forwarded-for"), networks)
    schemes, hosts = members(lines, "x-forwarded-proto"), members(lines, "x-forwarded-host")
    return Forwarding(address, _at(schemes, hops).lower(), _at(hosts, hops))


def _standard(lines: dict[str, str], networks: tuple[Peers, ...]) -> Forwarding:
    """RFC 7239: one list of elements."""
    elements = list(_elements(", ".join(_values(lines, "forwarded"))))
    nodes = [element.get("for", "unknown") for element in elements]
    address, hops = _client("Forwarded", nodes, networks)
    element = elements[-1 - min(hops, len(elements) - 1)] if elements else {}
    return Forwarding(address, element.get("proto", "").lower(), element.get("host", ""))


def _client(field: str, nodes: list[str], networks: tuple[Peers, ...]) -> tuple[str, int]:
    """The nearest address that is not a trusted proxy's, else the farthest; and the number of hops after it."""
    address = ""
    for hops, node in enumerate(reversed(nodes)):
        address = node_address(node)
        if not address:
            raise UnreadableForwarding(f"The client's address cannot be read from {field}")
        if not is_within(address, networks):
            return address, hops
    return address, max(0, len(nodes) - 1)


def _at(values: list[str], hops: int) -> str:
    """The member that the same proxy wrote; a proxy may also set a single value."""
    return values[-1 - min(hops, len(values) - 1)] if values else ""


def node_address(node: str) -> str:
    """The address in ``192.0.2.1``, ``192.0.2.1:5000``, ``[2001:db8::1]:5000`` and the like; empty if there is none."""
    if bracketed := _BRACKETED.fullmatch(node):
        return _address(bracketed[1])
    host, colon, port = node.partition(":")
    if colon and _PORT.fullmatch(port):
        return _address(host) if "." in host else ""
    return _address(node)


def _address(text: str) -> str:
    try:
        return "" if "%" in text else str(unwrap(ipaddress.ip_address(text)))
    except ValueError:
        return ""


def is_within(address: str, networks: tuple[Peers, ...]) -> bool:
    """Whether *address*, which is one or ``unix:``, lies in one of *networks*."""
    if address == UNIX:
        return UNIX in networks
    parsed = unwrap(ipaddress.ip_address(address))
    return any(_lies_in(parsed, network) for network in networks)


def _lies_in(address: Address, network: Peers) -> bool:
    return not isinstance(network, str) and network.version == address.version and address in network


def members(lines: dict[str, str], name: str) -> list[str]:
    """The members of one list, empty ones left out."""
    values = ",".join(_values(lines, name)).split(",")
    return [member for member in (value.strip(" \t") for value in values) if member]


def _values(lines: dict[str, str], name: str) -> Iterator[str]:
    """The values of the lines whose field name is spelled exactly like this."""
    for line in lines.get(name, "").split("\r\n"):
        written, _, value = line.partition(":")
        if written and "_" not in written:
            yield value


def _elements(text: str) -> Iterator[dict[str, str]]:
    """The elements of a Forwarded field: parameter, lower case, to value. Raises UnreadableForwarding."""
    at, element = 0, dict[str, str]()
    while at < len(text):
        if not element and (empty := _EMPTY.match(text, at)):
            at = max(empty.end(), at + 1)
            continue
        pair = _PAIR.match(text, at)
        if pair is None or pair[1].lower() in element:  # RFC 7239 §4: no parameter twice
            raise ContradictoryForwarding("Malformed Forwarded header")
        element[pair[1].lower()] = _unquoted(pair[2])
        at = pair.end()
        if pair[3] != ";":
            yield element
            element = {}
    if element:
        yield element


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
