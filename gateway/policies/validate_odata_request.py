"""
validate-odata-request: only requests whose URL and headers are OData 4 and fit the metadata of the API.

The URL is the one that goes to the backend, after whatever earlier policies have changed.

Source: APIM policy reference, "validate-odata-request"; see ``gateway.odata`` for the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import PolicyError
from gateway.odata.failures import ODataMismatch
from gateway.odata.request import VersionRange, check_url, version_of
from gateway.pipeline.changes import Change, variables
from gateway.pipeline.policy import PolicyType
from gateway.wire.slices import rest

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value


@dataclass(frozen=True, slots=True)
class ValidateODataRequest(PolicyType):
    """
    One compiled validate-odata-request.

    Attributes:
        max_size: Largest body in bytes; None: bodies are not looked at.
    """

    shape: ClassVar[Element] = Element(
        "validate-odata-request",
        "Validates URL and headers of a request to an OData API.",
        attributes=(
            ID,
            Attribute("error-variable-name", "Variable for what does not fit.", expression=False),
            Attribute(
                "default-odata-version",
                "Version of requests without `OData-Version`.",
                default="4.0",
                expression=False,
            ),
            Attribute("min-odata-version", "Lowest version that is accepted.", expression=False),
            Attribute("max-odata-version", "Highest version that is accepted.", expression=False),
            Attribute("max-size", "Largest body in bytes.", Kind.INTEGER, minimum=0),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    variable: str | None
    versions: VersionRange
    max_size: Value[int] | None

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-odata-request>``. Raises LoadError: an attribute is not a version."""
        settings.works_long()
        max_size = settings.maybe(settings.integer, "max-size")
        if max_size is not None:
            settings.reads.request_body = True
        try:
            versions = VersionRange(
                version_of(settings.constant("default-odata-version"), "default-odata-version"),
                _version(settings, "min-odata-version"),
                _version(settings, "max-odata-version"),
            )
        except ODataMismatch as error:
            raise settings.error("bad-value", str(error), "write 4.0 or 4.01") from None
        return cls(settings.maybe(settings.constant, "error-variable-name"), versions, max_size)

    @property
    def changes(self) -> Change | None:
        """The variable."""
        return variables(self.variable)

    def apply(self, context: Context) -> None:
        """Raises PolicyError: 400, the request does not fit."""
        try:
            self._check(context)
        except ODataMismatch as error:
            if self.variable:
                context.variables[self.variable] = str(error)
            demand = {"kind": "ODataRequest", "name": error.part, "rule": "IncorrectMessage"}
            raise PolicyError(400, "Bad request", str(error), expected=demand, found=error.message) from None

    def _check(self, context: Context) -> None:
        model = context.operation.model
        if model is None:
            text = "validate-odata-request is for APIs of type odata, whose metadata it needs."
            raise PolicyError(500, "ODataMetadataNotAvailable", text, "Internal server error")
        request = context.request
        version = self.versions.version(request.headers.joined)
        check_url(request.path, request.query, model, version)
        rest()
        if self.max_size is not None and request.body is not None:
            self._check_size(len(request.body.read(preserve=True)), self.max_size(context))

    @staticmethod
    def _check_size(size: int, most: int) -> None:
        if size > most:
            raise ODataMismatch("body", f"{size} bytes, and at most {most} are allowed")


def _version(settings: Settings, name: str) -> tuple[int, int] | None:
    written = settings.maybe(settings.constant, name)
    return None if written is None else version_of(written, name)
