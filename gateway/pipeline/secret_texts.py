"""
Finds secrets in texts, also as policies write them: percent-encoded, base64, within JSON or XML.

The time does not grow with the number of secrets: a configuration may have thousands of subscription keys.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

SHORTEST = 4  # masking less would only give it away
_SHORTEST_ENCODED = 8  # in fewer characters of base64 there are too few of the secret
_MOST_ENCODINGS = 3  # of percent-encoding, one over the other
_NOTHING = b"\0"  # in place of a secret: it begins no other

_UNIT = re.compile(rb"%[0-9A-Fa-f]{2}|.", re.DOTALL)


class SecretTexts:
    """
    Secrets, and what is shown instead of each.

    Args:
        shown: By secret. Those shorter than ``SHORTEST`` are ignored.
    """

    def __init__(self, shown: Mapping[str, str]) -> None:
        self._shown: dict[bytes, bytes] = {}
        self._by_start: dict[bytes, list[bytes]] = {}
        for secret, instead in shown.items():
            self._add(secret, instead)
        for forms in self._by_start.values():
            forms.sort(key=len, reverse=True)

    def _add(self, secret: str, instead: str) -> None:
        for form in map(_plain, _forms(secret) if len(secret) >= SHORTEST else ()):
            if form not in self._shown:
                self._shown[form] = instead.encode()
                self._by_start.setdefault(form[:SHORTEST], []).append(form)

    def masked(self, text: str, is_cut: bool = False) -> str:
        """*text* without secrets. If it *is_cut*, its end may be the beginning of one, which is masked, too."""
        if not self._shown:
            return text
        spelled = _Spelled.of(text)
        hidden = self._hide(spelled, is_cut)
        for _ in range(_MOST_ENCODINGS):
            if b"%" not in spelled.octets:
                break
            spelled = spelled.decoded()
            hidden |= self._hide(spelled, is_cut)
        return b"".join(spelled.units).decode("utf-8", "replace") if hidden else text

    def _hide(self, spelled: _Spelled, is_cut: bool) -> bool:
        """Put what is shown instead in place of each secret; whether there was one."""
        plain = _plain_bytes(spelled.octets)
        places: list[tuple[int, bytes]] = []
        position = 0
        while position <= len(plain) - SHORTEST:
            secret = self._at(plain, position, is_cut)
            if secret is not None:
                places.append((position, secret))
            position += 1 if secret is None else len(secret)
        for start, form in reversed(places):
            spelled.replace(start, start + len(form), self._shown[form])
        return bool(places)

    def _at(self, plain: bytes, position: int, is_cut: bool) -> bytes | None:
        """The longest secret that begins at *position*."""
        forms = self._by_start.get(plain[position : position + SHORTEST])
        for form in forms or ():
            if plain.startswith(form, position) or (is_cut and form.startswith(plain[position:])):
                return form
        return None


@dataclass(slots=True)
class _Spelled:
    """
    A text with each octet as the text spells it.

    Attributes:
        units: What stands in the text for each of *octets*.
    """

    octets: bytes
    units: list[bytes]

    @classmethod
    def of(cls, text: str) -> _Spelled:
        """*text* as it is."""
        data = text.encode("utf-8", "surrogatepass")
        return cls(data, [data[position : position + 1] for position in range(len(data))])

    def decoded(self) -> _Spelled:
        """Its percent-encoding undone."""
        matches = list(_UNIT.finditer(self.octets))
        units = [b"".join(self.units[match.start() : match.end()]) for match in matches]
        return _Spelled(b"".join(_octet(match[0]) for match in matches), units)

    def replace(self, start: int, end: int, instead: bytes) -> None:
        """Put *instead* in place of the units from *start* to *end*."""
        self.octets = self.octets[:start] + _NOTHING + self.octets[end:]
        self.units[start:end] = [instead]


def _octet(unit: bytes) -> bytes:
    return unit if len(unit) == 1 else bytes([int(unit[1:], 16)])


def _plain(text: str) -> bytes:
    return _plain_bytes(text.encode("utf-8", "surrogatepass"))


def _plain_bytes(data: bytes) -> bytes:
    """Forms write a space as a plus sign."""
    return data.replace(b"+", b" ")


def _forms(secret: str) -> Iterator[str]:
    """*secret* as it may turn up in a text, beside percent-encoding."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield escape(secret, {'"': "&quot;"})
    yield from filter(lambda form: len(form) >= _SHORTEST_ENCODED, _in_base64(secret.encode()))


def _in_base64(secret: bytes) -> Iterator[str]:
    """The characters that *secret* always gives, at each of the three places where it may begin."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + secret).decode().rstrip("=")
        bits = 8 * (before + len(secret))
        inner = whole[-(-8 * before // 6) : bits // 6]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")
