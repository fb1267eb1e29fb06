"""LINQ to XML: the tree, its reader (no DTD, no entities) and writer."""
