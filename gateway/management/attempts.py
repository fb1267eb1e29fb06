"""How often a token may be guessed: a bounded number of wrong ones per address and minute."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.wire.addresses import unwrap

PER_MINUTE = 10
MOST = 1024  # addresses that are remembered; an IPv6 network of 64 bits counts as one
WINDOW_S = 60.0


@dataclass(slots=True)
class Attempts:
    """Wrong tokens by address. *now*: a clock that never goes back, in seconds."""

    now: Callable[[], float] = time.monotonic
    _wrong: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)

    def wait_s(self, client: str) -> float:
        """Seconds until *client* may try again; 0: now."""
        began, number = self._wrong.get(network_of(client), (0.0, 0))
        left = began + WINDOW_S - self.now()
        return left if number >= PER_MINUTE and left > 0 else 0.0

    def failed(self, client: str) -> None:
        """One more wrong token from *client*."""
        network, moment = network_of(client), self.now()
        began, number = self._wrong.pop(network, (moment, 0))
        self._wrong[network] = (began, number + 1) if moment - began < WINDOW_S else (moment, 1)
        if len(self._wrong) > MOST:
            self._wrong.popitem(last=False)


def network_of(client: str) -> str:
    """What counts as one client: an IPv4 address, or the IPv6 network of 64 bits that one customer has."""
    address = plain(client)
    return str(ipaddress.ip_network((address, 64), strict=False)) if ":" in address else address


def plain(address: str) -> str:
    """An IPv4 address as such also where a socket for IPv6 has taken the connection; source: RFC 4291 §2.5.5.2."""
    try:
        return str(unwrap(ipaddress.ip_address(address.partition("%")[0])))
    except ValueError:
        return address
