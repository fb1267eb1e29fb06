"""The operators of System.Linq.Enumerable; their signatures are in ``types/linq.py``."""
