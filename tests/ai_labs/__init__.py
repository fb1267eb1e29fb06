"""
The policy documents of the public labs for AI gateways, run end to end: ``python -m tests.ai_labs REPOSITORY``.

REPOSITORY is a clone of Azure-Samples/AI-Gateway, bare or not. Its documents are read in place; nothing is copied into
this repository but the figures in docs/ai-labs.md.

    repository.py    the documents, and what the labs' notebooks fill into them
    kinds.py         how each document is called, and what must come of it
    surroundings.py  emulators, configuration and gateway
    runs.py          the calls
    page.py          docs/ai-labs.md
"""
