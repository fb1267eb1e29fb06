"""
The real services behind ``pipeline.services``: what policies reach outside the process, made from the configuration.

    identity.py          tokens of the gateway's own identity: kept, refreshed ahead, one fetch at a time
    token_endpoints.py   where they come from: App Service, IMDS, workload identity, client credentials, azure-identity
    event_sink.py        log-to-eventhub and send-service-bus-message: files and HTTP endpoints
    emitted_metrics.py   emit-metric: bounded Prometheus summaries
    shared_state.py      counters and caches, in memory or in Redis, and the quota file
"""
