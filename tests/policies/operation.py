"""One operation of an OpenAPI definition, and a context in which it was called."""

from __future__ import annotations

from gateway.openapi import OperationDefinition
from gateway.pipeline.context import Context, OperationInfo
from gateway.wire.messages import Request, Response
from tests.policies.bench import new_context

DEFINITION = """
openapi: 3.0.3
info: {title: Orders, version: '1'}
paths:
  /orders/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer, minimum: 1}}
    post:
      operationId: putOrder
      parameters:
        - {name: limit, in: query, schema: {type: integer, maximum: 10}}
        - {name: tag, in: query, schema: {type: array, items: {type: string, enum: [a, b]}}}
        - {name: If-Match, in: header, required: true, schema: {type: string, pattern: '^"'}}
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: '#/components/schemas/Order'}}
          application/xml: {}
      responses:
        '200':
          description: changed
          headers:
            X-Left: {required: true, schema: {type: integer}}
            X_Note: {schema: {type: string}}
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Order'}
              examples: {first: {value: {id: 1}}, second: {value: {id: 2}}}
            text/plain: {example: one}
        4XX: {description: refused, content: {application/json: {schema: {$ref: '#/components/schemas/Problem'}}}}
        '503': {description: away, content: {'*/*': {schema: {type: object, properties: {retry: {type: boolean}}}}}}
components:
  schemas:
    Order:
      type: object
      required: [id]
      properties: {id: {type: integer}, note: {type: string, maxLength: 5}}
    Problem: {type: object, properties: {title: {type: string}}}
"""


def called(definition: OperationDefinition, request: Request, response: Response | None = None) -> Context:
    context = new_context(request, response)
    context.operation = OperationInfo("putorder", "putOrder", "POST", definition.url_template, (), definition)
    return context
