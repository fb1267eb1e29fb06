"""Durable rows: the only room that touches the database."""
