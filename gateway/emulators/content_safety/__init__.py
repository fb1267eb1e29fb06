"""
Azure AI Content Safety: harm categories by words, prompt shields, blocklists.

    words.py       how severe a text is: by its words, always the same
    blocklists.py  blocklists and their items
    routes.py      the ASGI application and its control endpoints
    service.py     SafetyResource: words, blocklists, faults; the Python API
    emulator.py    ContentSafetyEmulator: the resource with its HTTP side

Source: Microsoft, "Content Safety REST API", 2024-09-01; docs/emulators.md.
"""

from gateway.emulators.content_safety.emulator import ContentSafetyEmulator

__all__ = ["ContentSafetyEmulator"]
