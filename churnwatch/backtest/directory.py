"""The files of a replay directory: which are there, and which must be."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from churnwatch.errors import UserError
from pipeline.events import Stream
from pipeline.sources.files import LineFile, UnreadableFileError

SUFFIXES = ("", ".gz", ".zst")
REQUIRED = (Stream.CUSTOMERS, Stream.CDR)
#: What is read at once: all of it stays in a core's cache while it is scanned and decoded.
BLOCK_BYTES = 1 << 19


@dataclass(frozen=True, slots=True)
class ReplayDirectory:
    """Paths of a directory's streams, and of its truth if it has one."""

    path: Path
    streams: dict[Stream, Path]
    truth: Path | None

    def size_bytes(self) -> int:
        """Of the streams as they lie on the disk."""
        return sum(path.stat().st_size for path in self.streams.values())


def find_directory(path: Path) -> ReplayDirectory:
    """The replay directory at `path`.

    Raises:
        UserError: no directory, two files of one stream, or one that must be there is not.
    """
    if not path.is_dir():
        raise UserError(f"{path} is no directory; `churnwatch simulate --out {path}` makes one")
    streams = {stream: file for stream in Stream if (file := _file_of(path, stream.value)) is not None}
    for stream in REQUIRED:
        if stream not in streams:
            raise UserError(
                f"{path} has no {stream}.jsonl (or .gz, .zst); a replay needs at least customers and cdr, "
                "see `churnwatch simulate --help`"
            )
    return ReplayDirectory(path, streams, _file_of(path, "truth"))


def all_lines(path: Path) -> Iterator[bytes]:
    """Lines of a file, plain or compressed.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with LineFile(path, BLOCK_BYTES) as file:
            for stretch in file.stretches():
                yield from stretch.lines
                if stretch.half:
                    yield stretch.half
    except UnreadableFileError as error:
        raise UserError(str(error)) from None


def _file_of(folder: Path, name: str) -> Path | None:
    found = [path for suffix in SUFFIXES if (path := folder / f"{name}.jsonl{suffix}").is_file()]
    if len(found) > 1:
        raise UserError(f"{folder} holds {found[0].name} and {found[1].name}; which one counts? Take one away")
    return found[0] if found else None
