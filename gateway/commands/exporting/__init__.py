"""
``gateway export``: the configuration and its documents as a folder that a publisher takes to Azure API Management.

    config.yaml ─► source (read and checked) ─► entities, apis, backends, … ─► folder (files, findings) ─► written

What Azure does not have is a finding with its place; secrets are never written.
"""
