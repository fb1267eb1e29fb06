"""``.env.example``: the environment variables that an imported configuration reads, each with what it is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.commands.importing.planned import Planned, WantedVariable

NAME = ".env.example"
_HEAD = "# What config.yaml reads from the environment. Copy it to .env, and keep that out of version control."


def with_example(plan: Planned) -> Planned:
    """*plan* with the example, where its configuration reads anything from the environment."""
    if plan.variables:
        plan.files[NAME] = "\n".join([_HEAD, *_lines(plan.variables.values()), ""]).encode()
    return plan


def _lines(variables: Iterable[WantedVariable]) -> Iterator[str]:
    for variable in variables:
        purpose = " ".join(variable.purpose.split())
        yield f"\n# {purpose}\n{variable.name}="
