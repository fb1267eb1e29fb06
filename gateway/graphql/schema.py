"""
The schema file of an API.

Source: GraphQL specification §3; graphql-core, ``build_ast_schema``.
"""

from __future__ import annotations

from pathlib import Path

from graphql import GraphQLError, GraphQLSchema, build_ast_schema, parse, validate_schema
from graphql.validation.validate import validate_sdl

from gateway.errors import LoadError, Location, Problem
from gateway.reading.files import read_bytes

LARGEST = 4 * 1024 * 1024
_REMEDY = "correct the schema: https://spec.graphql.org/draft/#sec-Type-System"


def read_schema(path: Path) -> GraphQLSchema:
    """The schema in the file at *path*. Raises LoadError: with every mistake that the library sees at once."""
    content = read_bytes(path, "check schema-file; relative paths start at the configuration file")
    here = Location(str(path))
    if len(content) > LARGEST:
        raise LoadError.at(here, "too-large", f"a schema of more than {LARGEST} bytes", "leave out what no client asks")
    try:
        document = parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise LoadError.at(here, "not-utf-8", "the schema is not UTF-8", "save it as UTF-8") from None
    except GraphQLError as error:
        raise LoadError([_problem(error, path)]) from None
    if mistakes := validate_sdl(document):
        raise LoadError([_problem(error, path) for error in mistakes])
    schema = build_ast_schema(document, assume_valid_sdl=True)
    if mistakes := validate_schema(schema):
        raise LoadError([_problem(error, path) for error in mistakes])
    return schema


def _problem(error: GraphQLError, path: Path) -> Problem:
    location = Location(str(path))
    for place in error.locations or ():  # the last is where what came first is contradicted
        location = Location(str(path), place.line, place.column)
    return Problem(location, "bad-schema", error.message, _REMEDY)
