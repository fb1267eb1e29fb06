"""Whether a client certificate has been revoked: lists (CRL) and responders (OCSP), looked up and remembered."""

from gateway.revocation.authorities import Authorities
from gateway.revocation.crl import parse_list
from gateway.revocation.fetching import Fetcher
from gateway.revocation.lookup import RevocationLookup

__all__ = ["Authorities", "Fetcher", "RevocationLookup", "parse_list"]
