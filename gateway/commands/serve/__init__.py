"""
``gateway serve``: a configuration; or with ``--apim`` an API Management instance as people keep it, for development.

    source ─► import's plan ─► preparing (a private folder, secrets, what cannot run) ─► greeting ─► serve

Nothing is written beside the source, and the folder is gone when the gateway ends.
"""
