"""Clients that others have written, each in every protocol that it speaks, doing what clients do."""
