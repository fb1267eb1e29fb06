"""
Dynamics 365 Finance & Operations, as far as batch jobs are concerned: the OData entity set ``BatchJobs`` and the action
that starts one.

    jobs.py      a job and its scripted life, pure over time
    lives.py     ready-made lives: succeeds, fails, is withheld, scheduled, recurring, deleted …
    rows.py      how a job looks on the wire
    filters.py   ``$filter``
    queries.py   the other query options, and paging
    metadata.py  ``$metadata``
    starts.py    ``SetBatchJobToWaiting`` and the five forms of its answer
    access.py    which bearer tokens F&O takes
    errors.py    OData error bodies
    routes.py    the ASGI application
    control.py   its control endpoints
    environment.py  Environment: jobs, clock, faults; the Python API
    emulator.py  D365Emulator: the environment with its HTTP side

Source: Microsoft Learn, Finance & Operations "Batch OData API", "Open Data Protocol (OData)"; docs/emulators.md.
"""

from gateway.emulators.d365.access import Access
from gateway.emulators.d365.emulator import D365Emulator
from gateway.emulators.d365.jobs import Job, Life, Step

__all__ = ["Access", "D365Emulator", "Job", "Life", "Step"]
