"""One ingest: files merged by time, sent in bulk, and noted once acknowledged."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import structlog

from churnwatch.errors import UserError
from churnwatch.ingest.bulk import BulkSender
from churnwatch.ingest.ledger import Ledger
from churnwatch.ingest.plan import PlannedFile
from churnwatch.ingest.positions import PositionStore
from churnwatch.ingest.vault_fill import VaultFill
from churnwatch.seals import VAULT
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics
from pipeline.events import Stream
from pipeline.sources.files import START, LineFile, UnreadableFileError
from pipeline.sources.merge import Feed, merged
from pipeline.sources.port import DEAD_LETTERS, LineFormat, Outgoing

MAX_BLOCK_BYTES = 1 << 20
MIN_BLOCK_BYTES = 1 << 16
#: Blocks of all open files together.
BLOCKS_BYTES = 64 << 20

log = structlog.get_logger()

MakeFormat = Callable[[PlannedFile], LineFormat]
OnProgress = Callable[[int, int], None]


class Summary(msgspec.Struct):
    """What an ingest did; printed by `--json`.

    `numbers` counts lines whose number went into the vault, `already_sent` lines and records that an earlier run had sent,
    `blank_lines` those that hold nothing for us; `unknown_trunks` names trunk groups that `numbers.trunks` has not.
    """

    files: int = 0
    records: int = 0
    by_stream: dict[str, int] = {}
    dead_letters: int = 0
    numbers: int = 0
    already_sent: int = 0
    blank_lines: int = 0
    half_lines: int = 0
    interrupted: bool = False
    seconds: float = 0.0
    records_per_s: float = 0.0
    unknown_trunks: list[str] = []


class Ingest:
    """Runs a plan. `make_format` gives each file its reader; `vault` takes the numbers of our lines that they name.

    Raises (from `run`):
        UserError: no broker, a file that cannot be read or is no such format, a folder that cannot be written.
    """

    def __init__(
        self,
        settings: Settings,
        plan: Sequence[PlannedFile],
        make_format: MakeFormat,
        vault: VaultFill | None = None,
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._plan = plan
        self._make_format = make_format
        self._stop = False
        self._broken_file: UnreadableFileError | None = None
        self._counts: Counter[str] = Counter()
        self.summary = Summary(files=len(plan))

    def stop(self) -> None:
        """Finish after the batch at hand; safe in a signal handler."""
        self._stop = True

    def run(self, on_progress: OnProgress = lambda _bytes, _records: None) -> Summary:
        """Send all files from where an earlier run stopped. `on_progress` gets bytes read and records sent so far."""
        started = time.monotonic()
        states = ensure_topics(self._settings)
        with contextlib.ExitStack() as stack:
            store = stack.enter_context(PositionStore(self._settings.ingest.state_dir))
            sender = stack.enter_context(self._sender())
            ledger = stack.enter_context(Ledger(self._settings, self._plan, states, store))
            feeds = []
            for file in self._plan:
                feeds.append(self._feed(file, ledger))
                stack.callback(feeds[-1].file.close)
            self._refuse_wrong_formats(feeds)
            self._send_all(feeds, ledger, sender, on_progress)
        return self._finish(feeds, time.monotonic() - started)

    def _send_all(self, feeds: Sequence[Feed], ledger: Ledger, sender: BulkSender, on_progress: OnProgress) -> None:
        tail = ledger.read_tail()
        ledger.note(feeds, finished=False)
        for batch in self._batches(feeds):
            rest = tail.without_sent(batch)
            if self._vault is not None:
                sender.send(self._vault.take())
            sender.send(rest)
            self._counts.update(rest.topics)
            if ledger.due():
                sender.flush()
                ledger.note(feeds, finished=False)
            on_progress(sum(feed.file.raw_bytes_read() for feed in feeds), self._counts.total())
            if self._stop:
                self.summary.interrupted = True
                break
        sender.flush()
        ledger.note(feeds, finished=True)
        self.summary.already_sent += tail.skipped
        if self._broken_file is not None:
            raise UserError(f"{self._broken_file}; what could be read before it is sent and noted")

    def _batches(self, feeds: Sequence[Feed]) -> Iterator[Outgoing]:
        """The merge; it ends early at a file that cannot be read on."""
        try:
            yield from merged(feeds)
        except UnreadableFileError as error:
            self._broken_file = error

    def _feed(self, planned: PlannedFile, ledger: Ledger) -> Feed:
        line_format = self._make_format(planned)
        block_bytes = min(MAX_BLOCK_BYTES, max(MIN_BLOCK_BYTES, BLOCKS_BYTES // len(self._plan)))
        try:
            file = LineFile(planned.path, block_bytes)
            position = ledger.position(planned)
            if not file.skip_to(position):
                log.warning("file.replaced", file=str(planned.path), lines_sent_before=position.lines)
                file.close()
                file, position = LineFile(planned.path, block_bytes), START
        except UnreadableFileError as error:
            raise UserError(str(error)) from None
        self.summary.already_sent += position.lines
        return Feed(file, line_format)

    def _refuse_wrong_formats(self, feeds: Sequence[Feed]) -> None:
        for planned, feed in zip(self._plan, feeds, strict=True):
            try:
                reason = feed.wrong_format()
            except UnreadableFileError as error:
                raise UserError(str(error)) from None
            if reason:
                raise UserError(
                    f"{planned.path} is not in the format {planned.format} of {planned.stream}: not one record among "
                    f"its first lines, but {reason}; nothing was sent"
                )

    def _sender(self) -> BulkSender:
        names = [*(stream.value for stream in Stream), DEAD_LETTERS, VAULT]
        return BulkSender(self._settings, {name: self._settings.topic(name) for name in names})

    def _finish(self, feeds: Sequence[Feed], seconds: float) -> Summary:
        summary = self.summary
        summary.dead_letters = self._counts.pop(DEAD_LETTERS, 0)
        summary.numbers = self._vault.numbers if self._vault is not None else 0
        summary.by_stream = {
            stream.value: self._counts[stream.value] for stream in Stream if self._counts[stream.value]
        }
        summary.records = sum(summary.by_stream.values())
        summary.blank_lines = sum(feed.blank_lines for feed in feeds)
        summary.half_lines = sum(feed.half_line for feed in feeds)
        summary.seconds = round(seconds, 3)
        summary.records_per_s = round(summary.records / seconds, 1) if seconds else 0.0
        return summary


def total_bytes(plan: Sequence[PlannedFile]) -> int:
    """Size of all files as they lie on the disk."""
    return sum(_size(file.path) for file in plan)


def _size(path: Path) -> int:
    return path.stat().st_size
