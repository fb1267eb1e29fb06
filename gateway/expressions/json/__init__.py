"""Newtonsoft's JSON: the tree, its reader and writer, JSONPath, and conversions to .NET values."""
