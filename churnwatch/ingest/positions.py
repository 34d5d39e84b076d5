"""How far each file has been sent, kept in one small file so that a second run sends nothing twice.

A note belongs to a topic by the topic's own id: a broker that was emptied gets everything again. It belongs to a file
by its path or, when it was renamed, by its inode; the digest in the position tells whether the content is the same.
"""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from churnwatch.errors import UserError
from pipeline.sources.files import START, Position

NOTES = "positions.json"
LOCK = "lock"
#: Notes of files that are long gone are dropped, oldest first.
MAX_NOTES = 100_000


class FileNote(msgspec.Struct, frozen=True):
    """One file's position in one topic."""

    topic_id: str
    path: str
    device: int
    inode: int
    position: Position


class Tail(msgspec.Struct, frozen=True):
    """Where a topic ended when everything noted had been acknowledged; what is behind it may be ours without a note."""

    topic_id: str
    topic: str
    ends: list[int]


class Notes(msgspec.Struct):
    """The content of the file. `tails` is empty after a run that ended in order."""

    version: int = 1
    files: list[FileNote] = []
    tails: list[Tail] = []


class PositionStore:
    """The notes in a directory, locked while open: two ingests at once would each send what the other does.

    Raises:
        UserError: a directory that cannot be written, notes that cannot be read, another ingest at work.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock: IO[str] | None = None
        self._notes = Notes()
        self._by_path: dict[tuple[str, str], FileNote] = {}

    def __enter__(self) -> Self:
        self._lock = self._lock_directory()
        try:
            self._notes = self._read()
        except UserError:
            self._lock.close()
            raise
        self._by_path = {(note.topic_id, note.path): note for note in self._notes.files}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.close()

    def position(self, topic_id: str, path: Path) -> Position:
        """How far this file went into this topic; the start when there is no note."""
        note = self._by_path.get((topic_id, str(path.resolve()))) or self._renamed(topic_id, path)
        return note.position if note else START

    def tails(self, topic_ids: Mapping[str, str]) -> list[Tail]:
        """Tails left by a run that was cut off, of topics that are still the same (full name -> id)."""
        return [tail for tail in self._notes.tails if topic_ids.get(tail.topic) == tail.topic_id]

    def save(self, topic_ids: Mapping[Path, str], positions: Mapping[Path, Position], tails: list[Tail]) -> None:
        """Note these positions; the file is replaced at once or not at all."""
        for path, position in positions.items():
            state = path.stat()
            note = FileNote(topic_ids[path], str(path.resolve()), state.st_dev, state.st_ino, position)
            key = (note.topic_id, note.path)
            self._by_path.pop(key, None)
            self._by_path[key] = note
        self._notes.files = list(self._by_path.values())[-MAX_NOTES:]
        self._notes.tails = tails
        self._write()

    def _lock_directory(self) -> IO[str]:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            lock = open(self._directory / LOCK, "w", encoding="ascii")  # noqa: SIM115  # it is held until __exit__
        except OSError as error:
            raise UserError(f"cannot write to ingest.state_dir {self._directory}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise UserError(
                f"another ingest is running with {self._directory}; wait for it, "
                "or give this one an ingest.state_dir of its own"
            ) from None
        return lock

    def _renamed(self, topic_id: str, path: Path) -> FileNote | None:
        state = path.stat()
        for note in reversed(self._notes.files):
            if (note.topic_id, note.device, note.inode) == (topic_id, state.st_dev, state.st_ino):
                return note
        return None

    def _read(self) -> Notes:
        path = self._directory / NOTES
        try:
            return msgspec.json.decode(path.read_bytes(), type=Notes)
        except FileNotFoundError:
            return Notes()
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from None
        except msgspec.DecodeError as error:
            raise UserError(
                f"{path} is damaged ({error}); restore it, or remove it to send every file from its start "
                "(the workers drop what they have seen in the last 3 days)"
            ) from None

    def _write(self) -> None:
        path = self._directory / NOTES
        draft = path.with_suffix(".new")
        try:
            with open(draft, "wb") as file:
                file.write(msgspec.json.encode(self._notes))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from None
