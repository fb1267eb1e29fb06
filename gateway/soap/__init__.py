"""
SOAP: services as WSDL describes them, and the envelopes that their clients send.

``wsdl`` makes operations of a file at load; ``envelope`` reads what a message asks for, ``media_types`` what its
Content-Type says about it.
"""
