"""`churnwatch COMMAND` in this process: what a person types, without the seconds that a new Python spends on imports.

For commands that end by themselves and are not killed; `python -m churnwatch` itself is started by the tests of services.
"""

import contextlib
import io
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import structlog

from churnwatch.cli import main
from churnwatch.settings import settings


def run_command(
    *words: str | Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Args:
        words: what stands behind `churnwatch`.
        environment: variables beside those of this process.
        cwd: folder to run it in; None: this process's.
        typed: what comes from the keyboard.
    """
    arguments = ["churnwatch", *map(str, words)]
    output, errors = _Stream(), _Stream()
    with (
        contextlib.chdir(cwd or Path.cwd()), _variables(environment or {}), _own_logs(), _own_signals(),
        contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors), _words(arguments, typed),
    ):  # fmt: skip
        code = _exit_code()
    return subprocess.CompletedProcess(arguments, code, output.text(), errors.text())


class _Stream(io.TextIOWrapper):
    """A standard stream that remembers."""

    def __init__(self) -> None:
        self._kept = io.BytesIO()
        super().__init__(self._kept, encoding="utf-8", write_through=True)

    def text(self) -> str:
        return self._kept.getvalue().decode()


def _exit_code() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@contextlib.contextmanager
def _words(arguments: list[str], typed: str) -> Iterator[None]:
    before = sys.argv, sys.stdin
    sys.argv, sys.stdin = arguments, io.StringIO(typed)
    try:
        yield
    finally:
        sys.argv, sys.stdin = before


@contextlib.contextmanager
def _variables(environment: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(environment)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


@contextlib.contextmanager
def _own_logs() -> Iterator[None]:
    root = logging.getLogger()
    before, handlers, level = structlog.get_config(), root.handlers[:], root.level
    try:
        yield
    finally:
        structlog.configure(**before)
        structlog.contextvars.clear_contextvars()
        root.handlers[:] = handlers
        root.setLevel(level)


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
