"""
Token validation: strict parsing, key sets and their life cycle, signature and claim checks, verified-token cache.

Policies use ``TokenValidator.verify``; nothing else in here decides whether a token is good.
"""
