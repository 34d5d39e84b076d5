"""What an ingest shows while it runs: a bar on a terminal, a log line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

LOG_EVERY_S = 10.0
REDRAW_EVERY_S = 0.2

log = structlog.get_logger()


class IngestProgress:
    """Shares of the bytes on the disk, records and their rate, time left."""

    def __init__(self, total_bytes: int) -> None:
        self._total_bytes = total_bytes
        self._started = time.monotonic()
        self._due = self._started
        self._task: TaskID | None = None
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("ingest"),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[records]:,} records"),
                TextColumn("{task.fields[rate]:,.0f}/s"),
                TimeRemainingColumn(),
                TextColumn("left"),
                console=Console(stderr=True),
            )

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("ingest", total=max(self._total_bytes, 1), records=0, rate=0.0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, bytes_read: int, records: int) -> None:
        """Called after each batch; draws or logs when it is time to."""
        now = time.monotonic()
        if now < self._due and bytes_read < self._total_bytes:
            return
        rate = records / max(now - self._started, 1e-6)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=bytes_read, records=records, rate=rate)
            self._due = now + REDRAW_EVERY_S
        elif now >= self._due:
            if records and now - self._started >= LOG_EVERY_S:
                share = round(bytes_read / max(self._total_bytes, 1), 3)
                log.info("ingest.progressed", records=records, records_per_s=round(rate), share=share)
            self._due = now + LOG_EVERY_S
