"""
Whether a client certificate has been revoked: lists (CRL) and responders (OCSP), looked up and remembered.

Nothing is imported here: expressions read ``certificate_facts`` without the HTTP client that fetches lists.
"""
