"""
OpenAI and Azure OpenAI: chat completions, responses, completions, embeddings, images, and the list of models.

    text.py         what counts as a token
    replies.py      what the model says, always the same; function calls
    bodies.py       members of requests
    heads.py       what every answer carries; events of a stream
    chat.py         Chat Completions
    responses.py    Responses
    completions.py  Completions
    embeddings.py   vectors in which similar texts lie close together
    quota.py        tokens per minute, and the fields of a 429
    errors.py       error bodies
    routes.py       the ASGI application
    control.py      its control endpoints
    service.py      ModelService: deployments, keys, faults; the Python API
    emulator.py     OpenAIEmulator: the service with its HTTP side

Source: OpenAI API reference; Microsoft Learn, "Azure OpenAI REST API reference"; docs/emulators.md.
"""

from gateway.emulators.openai.emulator import OpenAIEmulator

__all__ = ["OpenAIEmulator"]
