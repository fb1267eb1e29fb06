"""Dynamics 365 Finance & Operations: its OData calls, tokens and answers."""
