"""
The systems around the gateway, emulated locally: Entra ID, Dynamics 365 Finance & Operations, models behind OpenAI's
API, and the receiver of a callback.

They serve ``gateway demo``, the project's own tests and the tests of users. Every emulator has an ``.app`` (ASGI), a
Python API to script it, and control endpoints under ``/emulator`` to script it from another language. Never put one
on a public address: the control endpoints mint tokens for any caller.

    serving.py       runs any ASGI app on a free port, HTTP or TLS
    certificates.py  a throw-away authority and server certificate for TLS
    faults.py        scripted failures and request counters, shared by all emulators
    entra/           the token issuer
    d365/            the batch jobs
    openai/          OpenAI and Azure OpenAI
    content_safety/  Azure AI Content Safety
    receiver/        the callback's far end, and Data Factory's Webhook activity
"""
