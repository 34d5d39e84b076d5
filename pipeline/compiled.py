"""Loops over arrays as machine code, for the few places where numpy has no pass for them (docs/adr/0045-compiled-loops.md).

A loop is compiled by numba when it is first called, which takes a second or two, and kept on the disk: beside its source in
`__pycache__`, or under NUMBA_CACHE_DIR, in a folder for what it was compiled from. Where nothing can be written, each process
compiles anew. No option lets numba reorder or fuse sums, so that a loop gives the bits that the same lines give in Python.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

CONFIG: Any = numba.config
ROOT = Path(__file__).resolve().parents[1]
#: Modules of ours that a module imports by name.
IMPORTED = re.compile(r"^from ((?:pipeline|models)(?:\.\w+)+) import", re.MULTILINE)
#: In the text of a module that has loops, or parts of loops.
HAS_LOOPS = re.compile(r"^(?:from|import) (?:pipeline\.compiled|numba)\b", re.MULTILINE)


def compiled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The same function as machine code; its arguments are arrays and numbers, it calls numpy or other compiled functions."""
    try:
        with _kept_bysources_of(Path(function.__code__.co_filename)):
            return cast(Callable[Parameters, Result], numba.njit(cache=True, nogil=True)(function))
    except (OSError, RuntimeError):  # no folder for what is compiled can be written to
        return cast(Callable[Parameters, Result], numba.njit(nogil=True)(function))


def inlined(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The same function as a part of every compiled one that calls it: a call with arrays costs more than a small loop."""
    return cast(Callable[Parameters, Result], numba.njit(inline="always")(function))


def fingerprint(module: Path, root: Path = ROOT) -> str:
    """Of everything that the loops of a module are compiled from. numba itself looks at the module's own file alone, and would
    go on with old code when a loop that it calls, or a constant from elsewhere, is another one.
    """
    told = sha256()
    for source in sorted(sources_of(module, root)):
        told.update(source.read_bytes())
    return told.hexdigest()[:16]


@cache
def sources_of(module: Path, root: Path) -> frozenset[Path]:
    """A module with loops, what it imports of ours, and what those of them that have loops import."""
    files = [root.joinpath(*name.split(".")).with_suffix(".py") for name in IMPORTED.findall(module.read_text("utf-8"))]
    found = {module, *(file for file in files if file.exists())}
    for file in found - {module}:
        if HAS_LOOPS.search(file.read_text("utf-8")):
            found |= sources_of(file, root)
    return frozenset(found)


@contextmanager
def _kept_bysources_of(module: Path) -> Iterator[None]:
    """What is compiled meanwhile is kept in a folder for these sources."""
    configured = CONFIG.CACHE_DIR
    folder = Path(configured) if configured else module.parent / "__pycache__"
    folder /= f"{module.stem}-{fingerprint(module)}"
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(folder)  # numba would keep it elsewhere, by the module's own file
    CONFIG.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        CONFIG.CACHE_DIR = configured
