"""
OData 4: what a service's metadata says, and whether a request's URL fits it.

``csdl`` reads the metadata into ``metadata`` at load. ``request`` judges one request: its path (``paths``), its system
query options (``options``, ``expansion``, ``search``, ``aggregation``) and the expressions in them (``expressions`` on
``tokens``).
"""
