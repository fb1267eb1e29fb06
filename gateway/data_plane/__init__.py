"""Requests of clients: dispatcher, decision endpoint, subscriptions, routing."""
