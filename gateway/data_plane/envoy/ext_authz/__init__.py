"""
``envoy.service.auth.v3.Authorization``: may this request pass?

The request runs through the inbound section of its own operation, as on the data plane, and is sent nowhere.
"""
