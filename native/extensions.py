"""What setuptools is asked for, in the folder of the rewritten sources; see ``building``."""

from __future__ import annotations

import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

from native.building import DIRECTIVES
from native.listed import MODULES


def main(arguments: list[str]) -> None:
    """Compile every listed module."""
    extensions = [
        Extension(name, [f"{name.replace('.', '/')}.py"], extra_compile_args=["-O2", "-g0"]) for name in MODULES
    ]
    modules = cythonize(  # type: ignore[no-untyped-call, unused-ignore]
        extensions, compiler_directives=DIRECTIVES, build_dir="../c", nthreads=os.cpu_count() or 1
    )
    setup(name="gateway-native", packages=[], ext_modules=modules, script_args=arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
