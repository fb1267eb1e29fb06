"""
Whoever waits for a callback: a receiver that records deliveries and answers as scripted, and Data Factory's Webhook
activity.

    signatures.py  Standard Webhooks signatures, checked
    deliveries.py  what arrived
    answers.py     scripted answers: status, delay, redirect, slow or huge body, no answer at all
    webhook.py     how Data Factory reads a callback's body
    activity.py    Data Factory's Webhook activity: calls, waits, judges
    routes.py      the ASGI application
    recorder.py    Recorder: what arrived, and the answers; the Python API
    emulator.py    CallbackReceiver: the recorder with its HTTP side

Source: Microsoft Learn, "Webhook activity in Azure Data Factory"; Standard Webhooks 1.0.0; docs/emulators.md.
"""

from gateway.emulators.receiver.answers import Answer
from gateway.emulators.receiver.emulator import CallbackReceiver
from gateway.emulators.receiver.webhook import Activity

__all__ = ["Activity", "Answer", "CallbackReceiver"]
