"""
What ``gateway import`` makes of public repositories: ``python -m benchmarks.repositories CLONES``.

CLONES has a clone of each repository of ``catalogue`` as ``OWNER+NAME``; those that are not there are left out. Each is
imported, checked, and run against a server on loopback that records what arrives. It writes a page of docs/.
"""
