"""Whole lines of a file, a stretch at a time, plain or compressed, from any position on.

A position is a count of lines and bytes of the uncompressed text with a digest of everything before it: a file that was
replaced, and not only grown, is noticed.
"""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

import msgspec
import numpy as np
import zstandard

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
#: A line this long is none: the file is something else, and reading on would fill the memory.
MAX_LINE_BYTES = 16 * 1024 * 1024
DIGEST_BYTES = 16
LINE_FEED = ord("\n")


class UnreadableFileError(Exception):
    """A file that cannot be read to its end; says which, where and why."""


class Position(msgspec.Struct, frozen=True):
    """How far a file has been read: whole lines, their bytes when uncompressed, and a BLAKE2b digest of these bytes."""

    lines: int = 0
    bytes: int = 0
    digest: str = hashlib.blake2b(digest_size=DIGEST_BYTES).hexdigest()


START = Position()


@dataclass(frozen=True, slots=True)
class Stretch:
    """The text of consecutive whole lines with their line feeds, and the number of the first, counted from 0.

    `half` is set on the last stretch of a file that does not end in a line feed: its text after the last one.
    """

    text: bytes
    first_line: int
    half: bytes = b""

    @property
    def lines(self) -> list[bytes]:
        """The lines without their line feeds; each call splits the text again."""
        return self.text[:-1].split(b"\n") if self.text else []


def count_lines(text: bytes) -> int:
    """Line feeds of a text; `bytes.count` takes three times as long for a stretch of them."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == LINE_FEED))


class LineFile:
    """An open file and a cursor that moves over its lines.

    Raises (from every method that reads):
        UnreadableFileError: no such file, not the compression its content claims, cut short, or no lines.
    """

    def __init__(self, path: Path, block_bytes: int = 1 << 20) -> None:
        self.path = path
        self.block_bytes = block_bytes
        self._raw = _open(path)
        self._text = _uncompressed(self._raw)
        self._digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self._lines = 0
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def skip_to(self, position: Position) -> bool:
        """Move past what an earlier run has sent; False when the file no longer begins with that: open it anew then."""
        left = position.bytes
        while left and (data := self._read(min(left, self.block_bytes))):
            self._digest.update(data)
            left -= len(data)
        if left or self._digest.hexdigest() != position.digest:
            return False
        self._lines, self._bytes = position.lines, position.bytes
        return True

    def stretches(self) -> Iterator[Stretch]:
        """The lines from the cursor on; the cursor does not move with them: `advance` does that."""
        number = self._lines
        carry = b""
        while data := self._read(self.block_bytes):
            data = carry + data
            cut = data.rfind(b"\n") + 1
            carry = data[cut:]
            if len(carry) > MAX_LINE_BYTES:
                raise UnreadableFileError(
                    f"{self.path}: line {number + 1} is longer than {MAX_LINE_BYTES} bytes; is this a file of lines?"
                )
            if cut:
                text = data[:cut]
                yield Stretch(text, number)
                number += count_lines(text)
        if carry:
            yield Stretch(b"", number, half=carry)

    def advance(self, lines: list[bytes]) -> None:
        """Move the cursor past these whole lines, which follow it."""
        if lines:
            self._pass(b"\n".join(lines) + b"\n")
            self._lines += len(lines)

    def advance_half(self, text: bytes) -> None:
        """Move past a last line without a line feed; what comes after it later is still the same line."""
        self._pass(text)

    def _pass(self, text: bytes) -> None:
        self._digest.update(text)
        self._bytes += len(text)

    def position(self) -> Position:
        """Where the cursor is."""
        return Position(self._lines, self._bytes, self._digest.hexdigest())

    def raw_bytes_read(self) -> int:
        """Bytes taken from the file as it lies on the disk, for a progress bar."""
        return self._raw.tell()

    def close(self) -> None:
        self._raw.close()

    def _read(self, size: int) -> bytes:
        try:
            return self._text.read(size)
        except EOFError:
            raise UnreadableFileError(f"{self.path} is cut short: its compressed data ends early") from None
        except (OSError, zlib.error, zstandard.ZstdError) as error:
            raise UnreadableFileError(f"cannot read {self.path}: {error}") from None


def _open(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableFileError(f"cannot open {path}: {error.strerror}") from None


def _uncompressed(raw: io.BufferedReader) -> IO[bytes]:
    """The text of a file by what it is, whatever its name says."""
    magic = raw.peek(4)[:4]
    if magic.startswith(GZIP_MAGIC):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if magic == ZSTD_MAGIC:
        return cast(IO[bytes], io.BufferedReader(_ZstdText(raw), 1 << 20))
    return raw


class _ZstdText(io.RawIOBase):
    """Uncompressed text of zstd frames; unlike the library's own reader it notices a frame that is cut short."""

    #: 128 KiB is the most that a zstd block of a few bytes can become: so little at a time bounds the memory.
    CHUNK_BYTES = 4096

    def __init__(self, raw: io.BufferedReader) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._ready = memoryview(b"")
        self._inside_frame = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # BufferedReader passes a memoryview
        while not self._ready:
            if not (data := self._raw.read(self.CHUNK_BYTES)):
                if self._inside_frame:
                    raise EOFError
                return 0
            self._ready = memoryview(self._decompress(data))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _decompress(self, data: bytes) -> bytes:
        pieces = []
        while data:
            pieces.append(self._frame.decompress(data))
            self._inside_frame = not self._frame.eof
            data = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
        return b"".join(pieces)
