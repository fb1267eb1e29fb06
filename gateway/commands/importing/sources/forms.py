"""Which form a source has: the first one that recognises it reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.commands.importing.resources import Harvest
from gateway.commands.importing.sources import apiops, arm, bicep, management, proto, terraform
from gateway.commands.importing.sources.inputs import Inputs
from gateway.errors import LoadError, Location


@dataclass(frozen=True, slots=True)
class SourceForm:
    """One form: what people call it, whether a path has it, and how it is read."""

    name: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, Inputs], Harvest]


# The more specific ones first.
FORMS = (
    SourceForm("artifacts of APIOps or apiops-cli", apiops.recognises, apiops.read),
    SourceForm("Terraform: a folder with .tf files", terraform.recognises, terraform.read),
    SourceForm("Bicep files", bicep.recognises, bicep.read),
    SourceForm("ARM templates", arm.recognises, arm.read),
    SourceForm("JSON of the management API: GET responses", management.recognises, management.read),
    SourceForm("services of gRPC in .proto files", proto.recognises, proto.read),
)


def recognise(path: Path) -> SourceForm:
    """The form of the source at *path*. Raises LoadError: there is nothing there, or nothing that is known."""
    if not path.exists():
        raise LoadError.at(Location(str(path)), "no-such-file", "there is no such file or folder", "check the path")
    form = next((candidate for candidate in FORMS if candidate.recognises(path)), None)
    if form is None:
        remedy = "name one of: " + "; ".join(candidate.name for candidate in FORMS)
        raise LoadError.at(
            Location(str(path)),
            "unknown-source",
            "this is neither an API Management instance nor a gRPC service",
            remedy,
        )
    return form
