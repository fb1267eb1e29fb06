"""
GraphQL: schemas, requests and the judgement on them. Only an API of the kind needs the library (extra ``[graphql]``).

    settings.py       what the configuration says of one API
    refusals.py       how a request is refused, in GraphQL's own form
    envelope.py       a request as HTTP carries it
    schema.py         the schema file
    document.py       one query document: its operation, size and depth
    judge.py          documents against schema and bounds, remembered
    rules.py          which fields a caller may ask for
    removal.py        a document without the fields that are not allowed
    call.py           one request on its way through the pipeline
    execution.py      a query answered by resolvers

Source: the GraphQL specification of September 2025; "GraphQL over HTTP".
"""
