"""
APIs of type ``mcp``: a Model Context Protocol server made of operations, or one that is passed through.

``entrance`` is the first step of such an API's pipelines, ``server`` its target where operations are tools. A call
becomes a request of its own (``tools``, ``arguments``), runs through the operation's pipeline (``calls``), and its
answer becomes a result (``results``). ``messages`` and ``protocol`` are what is on the wire.

Source: Model Context Protocol, revisions 2025-03-26 to 2025-11-25 and 2026-07-28; docs/adr/0095.
"""
