"""
GraphQL APIs on the data plane: requests are read before a backend gets them, or answered by resolvers.

    admission.py     the last step of inbound: what the request is, and where it goes
    resolving.py     where requests of synthetic APIs go
    joining.py       the first step of outbound: errors of fields that were removed
    conversation.py  requests over a WebSocket, judged one by one
    frames.py        the frames that they come in
"""
