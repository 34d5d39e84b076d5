"""Telephone systems that read files: a file a call in `out`, named by its key; what came of them in `answers`.

A file appears whole or not at all. An answer file has the columns `call,code,note` (note may be left out); once taken it
moves to `done`. No cell begins as a formula would.
"""

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import structlog

from alerts.dialers.port import HandedOver, NumberOf, dial_number
from alerts.queue import Lease
from alerts.tasks import Task
from pipeline.events import Disposition

COLUMNS = ("call", "phone_code", "phone_number", "level", "reason_group")
ANSWER_BYTES_MAX = 10_000_000

log = structlog.get_logger()


class Told(NamedTuple):
    """One line of an answer file."""

    call: str
    code: str
    note: str = ""


class CsvDrop:
    """Writes calls to a folder and reads answers from it."""

    def __init__(self, folder: Path, numbers: NumberOf) -> None:
        self._out, self._answers, self._done = (folder / name for name in ("out", "answers", "done"))
        self._numbers = numbers
        for each in (self._out, self._answers, self._done):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)

    def __call__(self, task: Task, lease: Lease) -> Disposition | HandedOver:
        number = self._numbers(task, lease)
        parts = None if number is None else dial_number(number)
        if parts is None:
            return Disposition.NOT_TRIED if number is None else Disposition.BAD_NUMBER
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerows([COLUMNS, (lease.call, parts.country, parts.national, task.level, task.reason_group)])
        self._write(self._out / f"{lease.call.replace(':', '-')}.csv", text.getvalue())
        return HandedOver()

    def answers(self) -> Iterator[tuple[Path, list[Told]]]:
        """Answer files, the oldest name first, with what they hold; call `taken` once a file is dealt with."""
        for path in sorted(self._answers.glob("*.csv")):
            if path.stat().st_size > ANSWER_BYTES_MAX:
                log.warning("answers.too_large", file=path.name)
                continue
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                yield (
                    path,
                    [
                        Told(
                            (row.get("call") or "").strip(),
                            (row.get("code") or "").strip(),
                            (row.get("note") or "").strip(),
                        )
                        for row in csv.DictReader(file)
                    ],
                )

    def taken(self, path: Path) -> None:
        """This file was dealt with."""
        path.replace(self._done / path.name)

    def _write(self, path: Path, text: str) -> None:
        draft = path.with_suffix(f".{os.getpid()}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
