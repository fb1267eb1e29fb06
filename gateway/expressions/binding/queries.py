"""LINQ query syntax."""
