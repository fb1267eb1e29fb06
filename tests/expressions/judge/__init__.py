"""
The judge of expressions: .NET itself.

``make judge`` compiles and runs every row of the case tables with .NET 8, Roslyn and Newtonsoft.Json, and prints where
the gateway gives something else. ``make judge FILES="a.txt b.jsonl"`` does the same for expressions of your own.
"""
