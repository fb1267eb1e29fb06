"""
The error tree.

    GatewayError
    ├── LoadError            start-up: a list of problems, each with file, line, column, code and remedy
    ├── PolicyError          a request: a policy refuses, with APIM's reason; the pipeline continues with on-error
    │   ├── GraphQLRefusal   a GraphQL request that is not run, with its errors in GraphQL's own form
    │   └── McpMessageRefusal   an MCP message that policies could not read, with a JSON-RPC error
    ├── ExpressionError      a request: a policy expression threw (C# exception); becomes a PolicyError
    ├── XmlError             a body is not well-formed XML, or attempts something that is forbidden
    ├── ODataMismatch        a URL or header that the metadata of an OData service does not allow
    ├── WorkExceeded         a request asks for more processor time or memory than one request may have: 413
    ├── TokenError           a token is refused, with APIM's reason
    │   ├── KeyNotFound      none of the keys at hand is the token's; a fetch may bring it
    │   └── IssuerUndecided  the token's issuer cannot be judged yet
    ├── KeysUnavailable      a token cannot be judged, because the issuer's keys could not be fetched: 503, never 401
    ├── IssuerError          one attempt to learn an issuer's keys failed
    ├── UpstreamError        the backend could not be reached or broke the protocol
    │   ├── CircuitOpen      nothing was sent, since the backend has failed too often
    │   ├── QuestionRefused  a service does not take this one question
    │   └── Unreached        there was no connection to it: nothing of the request has been sent
    ├── ClientLeft           the client closed the connection before the exchange was over
    ├── BodyTooLarge         a body that must be held in memory is over the limit: 413
    ├── BodyAbandoned        the reader of a body went away before its end
    ├── FieldError           a header field that must not be on the wire
    ├── FramingError         bytes that cannot be a body in the announced framing
    ├── CodecError           a value that cannot be cached, or a cached one that cannot be read
    ├── RedisAway            Redis cannot be asked at the moment
    ├── EvaluationError      an expression of Terraform that an import cannot evaluate; reported with its place
    ├── EvaluationFault      the same, of an ARM template or of Bicep
    ├── TooMuch              a template asks an import for more steps, copies or nesting than it does
    ├── QueryNotExpressible  a changed query that ext_authz cannot carry: 500
    ├── Unanswerable         a question of Envoy that is refused before any policy runs
    │   └── NoAddress        it does not say who the client is
    ├── OutOfOrder           a message to the external processor that Envoy does not send now
    ├── AddressUnusable      a listener cannot have its address
    ├── GaveUp               no worker can start, however often
    ├── StoreUnusable        the notification store cannot be opened
    ├── StoreInUse           another process runs on the same SQLite file
    ├── StoreOutdated        the notification store was made by a version that is too early to upgrade
    └── StoreTooNew          the notification store was made by a later version

Anything else that escapes is our own bug: 500, logged, never shown.

Source: reasons and messages from "Error handling in API Management policies".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


class GatewayError(Exception):
    """
    Base of every error that this package raises on purpose.

    Attributes:
        exit_code: With what a command ends that it stops.
    """

    exit_code: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def behind(self, text: str) -> Location:
        """The place behind *text*, which begins here."""
        lines = text.split("\n")
        if len(lines) == 1:
            return Location(self.file, self.line, self.column + len(text))
        return Location(self.file, self.line + len(lines) - 1, len(lines[-1]) + 1)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration or policy document, and what to do about it."""

    location: Location
    code: str  # kebab-case and stable: unknown-element, missing-attribute, …
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        tail = f" ({self.remedy})" if self.remedy else ""
        return f"{self.location}: {self.code}: {self.message}{tail}"


class LoadError(GatewayError):
    """Configuration or documents cannot be used; every problem found is listed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def at(cls, location: Location, code: str, message: str, remedy: str = "") -> LoadError:
        """The common case: one problem."""
        return cls([Problem(location, code, message, remedy)])


class PolicyError(GatewayError):
    """
    A policy refuses the request.

    Attributes:
        status: HTTP status of the answer, unless on-error makes another.
        reason: APIM's machine code, such as ``TokenExpired``.
        message: Detail for people: ``context.LastError.Message``.
        public_message: What the caller reads; *message* where it is not given.
        logged_message: What the log says instead of *message*, where that repeats what a caller has sent.
        headers: Extra header fields of the default answer (``Retry-After``, ``WWW-Authenticate``).
        expected, found: For the request log: what the policy asked for, and what it got instead, as plain values; never
            a token, a key or another secret. Texts may be long: the log cuts and masks them.
        body: JSON of the default answer where it has a form of its own; None: APIM's.
    """

    body: bytes | None = None

    def __init__(  # noqa: PLR0913 (what one refusal means to caller, log and author)
        self,
        status: int,
        reason: str,
        message: str,
        public_message: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        *,
        logged_message: str = "",
        expected: object = None,
        found: object = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.public_message = message if public_message is None else public_message
        self.logged_message = logged_message or message
        self.headers = headers
        self.expected = expected
        self.found = found


class ExpressionError(GatewayError):
    """A policy expression threw; *exception* is the C# type's name, such as ``NullReferenceException``."""

    def __init__(self, exception: str, message: str) -> None:
        super().__init__(f"{exception}: {message}")
        self.exception = exception
        self.message = message


class TokenError(GatewayError):
    """
    A token is refused. *reason* is APIM's (``TokenExpired``), *message* never holds the token or its signature.

    *expected* and *found* are for the request log, see ``PolicyError``.

    Attributes:
        payload: The token's claims, once they have been read; for the log, which keeps few of them.
        verified: Whether its signature had been verified.
    """

    payload: Mapping[str, object] | None = None
    verified: bool = False

    def __init__(self, reason: str, message: str, *, expected: object = None, found: object = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.expected = expected
        self.found = found


class KeysUnavailable(GatewayError):
    """The keys to judge a token could not be fetched through no fault of the caller; *retry_after* in seconds."""

    def __init__(self, message: str, retry_after: int = 30) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class UpstreamError(GatewayError):
    """
    The backend could not be reached, was too slow, or broke the protocol.

    Attributes:
        reason: ``BackendConnectionFailure`` or ``Timeout``.
        status: 502, 503 or 504.
        expected, found: See ``PolicyError``: the address, the state of the circuit, the time.
    """

    expected: object = None
    found: object = None

    def __init__(self, reason: str, message: str, status: int = 502) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.status = status


class QuestionRefused(UpstreamError):
    """A service has answered that it does not take this one question: too long, perhaps. It takes others."""


class CircuitOpen(UpstreamError):
    """
    Nothing was sent: the circuit of the backend, or of every member of a pool, is open.

    Attributes:
        for_s: Seconds until one of them closes; None where that is not known.
    """

    def __init__(self, message: str, for_s: float | None = None) -> None:
        super().__init__("BackendConnectionFailure", message, 503)
        self.for_s = for_s
        self.expected = {"circuit": "closed"}
        self.found = {"circuit": "open", "for_s": None if for_s is None else round(for_s, 1)}


class Unreached(UpstreamError):
    """There was no connection to the backend: nothing of the request has been sent."""


class ClientLeft(GatewayError):
    """The client closed the connection before the exchange was over."""
