"""A simulation as a replay directory: one file a stream, the truth, and what only the simulator knows."""

import contextlib
import gzip
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

import msgspec
import zstandard

from pipeline.events import RefusalReason, Stream
from pipeline.sources.operator.clock import day_start_ms
from pipeline.sources.operator.config import OperatorConfig
from pipeline.sources.operator.hidden import hidden_accounts
from pipeline.sources.operator.incidents import known_incidents
from pipeline.sources.operator.population import build_population, line_name
from pipeline.sources.operator.simulate import OperatorDay, days

Compression = Literal["none", "gz", "zst"]
KNOWN_BESIDE = ("truth", "hidden", "incidents")  # never packed, there even when empty
GZIP_LEVEL = 1
ZSTD_LEVEL = 3


@dataclass(slots=True)
class Written:
    """What went into the directory. `malformed`: by the reason for which the contract refuses a line."""

    records: int = 0
    by_stream: dict[str, int] = field(default_factory=dict)
    lines: int = 0
    churners: int = 0
    duplicates: int = 0
    late: int = 0
    malformed: dict[RefusalReason, int] = field(default_factory=dict)

    def add(self, day: OperatorDay) -> None:
        """Count one day."""
        for stream, batch in day.streams.items():
            self.by_stream[stream.value] = self.by_stream.get(stream.value, 0) + len(batch)
        self.records += day.records
        self.churners += len(day.truth)
        self.duplicates += day.duplicates
        self.late += day.late
        self.lines = max(self.lines, day.live_lines)
        for reason, number in day.malformed.items():
            self.malformed[reason] = self.malformed.get(reason, 0) + number


class ReplayDirectory:
    """The open files of a replay directory; leaves no half-written file under its final name.

    Raises:
        OSError: the directory cannot be written.
    """

    def __init__(self, folder: Path, compression: Compression = "none") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._suffix = "" if compression == "none" else f".{compression}"
        self._compression = compression
        self._stack = contextlib.ExitStack()
        self._files: dict[str, IO[bytes]] = {}

    def __enter__(self) -> Self:
        for name in (*Stream, *KNOWN_BESIDE):
            self._open(str(name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        for name in self._files:
            part = self._part(name)
            if kind is None:
                part.rename(part.with_suffix(""))
            else:
                part.unlink(missing_ok=True)

    def write(self, name: str, lines: Iterable[bytes]) -> None:
        """Append lines to `<name>.jsonl`."""
        text = b"\n".join(lines)
        if text:
            self._open(name).write(text + b"\n")

    def _part(self, name: str) -> Path:
        return self._folder / f"{name}.jsonl{self._suffix if name in set(Stream) else ''}.part"

    def _open(self, name: str) -> IO[bytes]:
        if name not in self._files:
            compression = self._compression if name in set(Stream) else "none"
            self._files[name] = self._stack.enter_context(_open_file(self._stack, self._part(name), compression))
        return self._files[name]


def _open_file(stack: contextlib.ExitStack, path: Path, compression: Compression) -> Any:
    raw = stack.enter_context(path.open("wb"))
    if compression == "gz":
        # No name and no time in the header: equal contents give equal bytes.
        return gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=raw, mtime=0)
    if compression == "zst":
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).stream_writer(raw, closefd=False)
    return raw


def write_directory(
    config: OperatorConfig,
    folder: Path,
    compression: Compression = "none",
    after_day: Callable[[OperatorDay], None] | None = None,
) -> Written:
    """Simulate into a replay directory, a day at a time; `after_day` hears of each day (for a progress bar)."""
    written = Written()
    encode = msgspec.json.encode
    with ReplayDirectory(folder, compression) as target:
        population = build_population(config)
        target.write("hidden", map(encode, hidden_accounts(config, population)))
        target.write("incidents", map(encode, known_incidents(config)))
        for day in days(config):
            for stream, batch in day.streams.items():
                target.write(stream.value, batch.lines)
            target.write("truth", map(encode, day.truth))
            target.write("hidden", map(encode, _episodes(day)))
            if day.hazard is not None:
                target.write("hazard", _hazard_lines(day))
            written.add(day)
            if after_day is not None:
                after_day(day)
    return written


def _episodes(day: OperatorDay) -> Iterable[dict[str, Any]]:
    for episode in day.episodes:
        yield {
            "line_id": line_name(episode.line), "day_ms": day_start_ms(episode.day), "episode": episode.name,
            "decides": episode.decides, "leaves": episode.leaves, "trace": episode.trace,
        }  # fmt: skip


def _hazard_lines(day: OperatorDay) -> Iterable[bytes]:
    if day.hazard is None:
        return
    for line_id, hazard in zip(day.hazard[0], day.hazard[1].tolist(), strict=True):
        yield b'{"day_ms":%d,"line_id":"%b","hazard":%.6f}' % (day.day_ms, line_id.encode(), hazard)
