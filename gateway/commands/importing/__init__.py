"""
``gateway import``: an API Management instance as people keep it becomes a configuration and policy documents.

    source folder or file ─► sources/* ─► resources (in ARM's terms, with places) ─► mapping/* ─► configuration + files
                                              └──────────── findings ────────────────┘  ─► report

Each module of ``sources`` reads one form into the same resources; ``mapping`` knows no source by name.
"""
