"""
The batch-notification service: start a D365 F&O batch job, watch it, call back when it has ended, lose nothing.

    api → intake → store (202, durable)
    engine: workflow → service → starting · watching → poller → d365_client
                               └ delivery → callbacks (ssrf, signature, profiles, classification)

It never imports the policy engine; the gateway calls it as an ASGI application.
"""
