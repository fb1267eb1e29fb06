"""
The rules that validate-jwt and validate-azure-ad-token write down: shapes of their children, and what they mean.

What is literal is prepared at load; what is an expression is joined to it for each request.

Source: APIM "validate-jwt", elements; docs/reference/apim.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from gateway.documents.shape import Attribute, Child, Content, Element
from gateway.errors import ExpressionError
from gateway.pipeline.values import Constant, combined
from gateway.policies.parts.elements import VALUE
from gateway.tokens.rules import RequiredClaim, TokenRules

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

_CLAIM = Element(
    "claim",
    "A required claim; with values, one that must contain them.",
    attributes=(
        Attribute("name", "Name of the claim.", required=True, expression=False),
        Attribute(
            "match",
            "`all`: every value must be in the token; `any`: one of them.",
            default="all",
            choices=("all", "any"),
            expression=False,
        ),
        Attribute("separator", "Splits the token's value, such as a space for `scp`.", expression=False),
    ),
    children=(Child(VALUE, maximum=None),),
)


def text_list(name: str, item: str, doc: str, expression: bool = True) -> Element:
    """``<audiences><audience>…``: a wrapper around texts."""
    inner = Element(item, doc, content=Content.TEXT, required=True, expression=expression)
    return Element(name, f"{doc} One is enough.", children=(Child(inner, minimum=1, maximum=None),))


AUDIENCES = text_list("audiences", "audience", "An accepted `aud`.")
ISSUERS = text_list("issuers", "issuer", "An accepted `iss`.")
REQUIRED_CLAIMS = Element(
    "required-claims", "Claims that are all required.", children=(Child(_CLAIM, minimum=1, maximum=None),)
)

_TIME_SPAN = re.compile(r"(?:(\d{1,4})\.)?(\d{1,2}):(\d{2}):(\d{2})", re.ASCII)
_FACTORS = (86_400, 3_600, 60, 1)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """
    Token rules, partly known at load.

    Attributes:
        fixed: The rules, complete when *computed* is empty.
        computed: Field of TokenRules -> its value for one request.
    """

    fixed: TokenRules
    computed: tuple[tuple[str, Callable[[Context], object]], ...]

    @classmethod
    def of(cls, fields: Mapping[str, Value[Any]]) -> RuleSet:
        """From values by field name."""
        fixed = {name: value.value for name, value in fields.items() if isinstance(value, Constant)}
        computed = tuple((name, value) for name, value in fields.items() if name not in fixed)
        return cls(TokenRules(**fixed), computed)

    def __call__(self, context: Context) -> TokenRules | None:
        """The rules of this request, or None where they are the fixed ones."""
        if not self.computed:
            return None
        return self.fixed.with_values(**{name: value(context) for name, value in self.computed})


def texts(settings: Settings | None, item: str) -> Value[frozenset[str]] | None:
    """The texts in a wrapper such as ``<audiences>``; None when it is absent."""
    if settings is None:
        return None
    return combined((entry.content() for entry in settings.all(item)), _stripped)


def required_claims(settings: Settings | None) -> Value[tuple[RequiredClaim, ...]]:
    """The claims in ``<required-claims>``."""
    return combined(map(_claim, settings.all("claim")) if settings else (), tuple)


def _claim(settings: Settings) -> Value[RequiredClaim]:
    name, separator = settings.constant("name"), settings.maybe(settings.constant, "separator") or ""
    match = cast("Literal['all', 'any']", settings.constant("match"))
    values = [value.content() for value in settings.all("value")]
    return combined(values, lambda held: RequiredClaim(name, tuple(held), match, separator))


def _stripped(values: Iterable[str]) -> frozenset[str]:
    return frozenset(value.strip() for value in values)


def clock_skew(settings: Settings) -> Value[float]:
    """``clock-skew`` in seconds: a number, or a time span such as ``00:05:00``. Raises LoadError."""
    try:
        return combined([settings.text("clock-skew")], lambda written: _seconds(written[0]))
    except ExpressionError:
        raise settings.error("bad-value", "clock-skew is not a duration", "write seconds", at="clock-skew") from None


def _seconds(text: str) -> float:
    if match := _TIME_SPAN.fullmatch(text.strip()):
        return float(sum(int(part or 0) * factor for part, factor in zip(match.groups(), _FACTORS, strict=True)))
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ExpressionError("FormatException", "clock-skew is not a duration")
    return number
