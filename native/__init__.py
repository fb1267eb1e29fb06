"""
The compiled build: the same sources, the modules of a request's path compiled by Cython (docs/adr/0089).

Nothing here is part of the package. ``listed`` names what is compiled, ``rewriting`` turns a module into what Cython
takes, ``building`` compiles, ``wheel`` packs. The sources stay as they are, and run without any of this.
"""
