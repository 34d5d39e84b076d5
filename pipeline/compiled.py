"""Loops over arrays as machine code, for the few places where numpy has no pass for them (docs/adr/0045-compiled-loops.md).

A loop is compiled by numba when it is first called, which takes a second or two, and kept on the disk beside its source: in
`__pycache__`, or under NUMBA_CACHE_DIR. Where nothing can be written, each process compiles anew. No option lets numba reorder or
fuse sums, so that a loop gives the bits that the same lines give in Python.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def compiled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The same function as machine code; its arguments are arrays and numbers, it calls numpy or other compiled functions."""
    try:
        return cast(Callable[Parameters, Result], numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # no folder for what is compiled can be written to
        return cast(Callable[Parameters, Result], numba.njit(nogil=True)(function))


def inlined(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The same function as a part of every compiled one that calls it: a call with arrays costs more than a small loop."""
    return cast(Callable[Parameters, Result], numba.njit(inline="always")(function))
