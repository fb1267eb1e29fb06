"""
The console: the management plane's web pages for operators. Read-only, rendered here, nothing from elsewhere.

``markup`` escapes by construction, one module per page renders plain data, ``routes`` joins them. The data of one
process is in ``process``, that of several workers in ``workers``; ``state`` is what crosses between them.
"""
