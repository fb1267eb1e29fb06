"""Durable rows: the only package that touches the database."""
