"""
What reading a template may cost: others wrote it, and a page of text can ask for a million resources.

The limits are far above those of Resource Manager itself (800 resources, 4 MB, 256 parameters for each template).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import GatewayError, Location

MAX_STEPS = 2_000_000  # evaluated expressions and visited values, in one import
MAX_DEPTH = 120  # expressions, variables and modules inside one another
MAX_CHARACTERS = 1 << 22  # of one text
MAX_ITEMS = 10_000  # of one list or loop
MAX_VALUES = 100_000  # in one value, each use of one counted
MAX_RESOURCES = 20_000
MAX_TEMPLATES = 500  # templates and modules, each use of one counted
MAX_NESTED_TEMPLATES = 20  # templates and modules inside one another


class TooMuch(GatewayError):
    """A template asks for more than one import may cost; nothing more of it is read."""

    def __init__(self, location: Location, message: str) -> None:
        super().__init__(message)
        self.location = location
        self.message = message


class EvaluationFault(GatewayError):
    """An expression has no value: a function that does not exist, an index behind the end, a circle."""

    def __init__(self, location: Location, message: str) -> None:
        super().__init__(message)
        self.location = location
        self.message = message


@dataclass(slots=True)
class Effort:
    """What one import has cost up to now."""

    steps: int = 0
    depth: int = 0
    templates: int = 0

    def step(self, location: Location, count: int = 1) -> None:
        """
        Count *count* steps.

        Raises:
            TooMuch: More than MAX_STEPS.
        """
        self.steps += count
        if self.steps > MAX_STEPS:
            raise TooMuch(location, f"the templates take more than {MAX_STEPS:,} steps to evaluate")

    def enter(self, location: Location) -> None:
        """
        One expression further inside; `leave` follows.

        Raises:
            EvaluationFault: More than MAX_DEPTH.
        """
        self.step(location)
        if self.depth >= MAX_DEPTH:
            raise EvaluationFault(location, f"expressions are nested more than {MAX_DEPTH} deep")
        self.depth += 1

    def leave(self) -> None:
        """The end of what `enter` began."""
        self.depth -= 1

    def template(self, location: Location) -> None:
        """
        One more template or module.

        Raises:
            TooMuch: More than MAX_TEMPLATES.
        """
        self.templates += 1
        if self.templates > MAX_TEMPLATES:
            raise TooMuch(location, f"more than {MAX_TEMPLATES} templates and modules")


def check_length(length: int, location: Location) -> None:
    """
    Refuse a text of *length* characters before it is made.

    Raises:
        EvaluationFault: More than MAX_CHARACTERS.
    """
    if length > MAX_CHARACTERS:
        raise EvaluationFault(location, f"a text of more than {MAX_CHARACTERS:,} characters")


def check_items(count: int, location: Location) -> None:
    """
    Refuse a list of *count* items before it is made.

    Raises:
        EvaluationFault: More than MAX_ITEMS.
    """
    if count > MAX_ITEMS:
        raise EvaluationFault(location, f"a list of more than {MAX_ITEMS:,} items")
