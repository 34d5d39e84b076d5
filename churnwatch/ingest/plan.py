"""Which files an ingest reads, as which stream and in which format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from churnwatch.errors import UserError
from pipeline.events import STREAM_RANK, Stream

COMPRESSIONS = ("", ".gz", ".zst")
STREAM_NAMES = ", ".join(Stream)


class FileFormat(StrEnum):
    JSONL = "jsonl"
    ASTERISK = "asterisk"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file to read; `stream` is what its records (or its refusals) belong to."""

    path: Path
    stream: Stream
    format: FileFormat


def plan_files(paths: Sequence[Path], stream: Stream | None, file_format: FileFormat | None) -> list[PlannedFile]:
    """The files of these paths in the order that breaks ties: by stream, then as given.

    A directory gives its `<stream>.jsonl` and `Master.csv` files, plain or compressed; a file gives itself.

    Raises:
        UserError: a path that is not there, a directory without such files, or a file whose stream nobody told.
    """
    planned = [file for path in paths for file in _plan(path, stream, file_format)]
    unique = {file.path.resolve(): file for file in planned}
    return sorted(unique.values(), key=lambda file: STREAM_RANK[file.stream])


def _plan(path: Path, stream: Stream | None, file_format: FileFormat | None) -> Iterator[PlannedFile]:
    if path.is_dir():
        yield from _plan_directory(path, stream, file_format)
    elif path.exists():
        yield _plan_file(path, stream, file_format)
    else:
        raise UserError(f"{path} does not exist")


def _plan_directory(path: Path, stream: Stream | None, file_format: FileFormat | None) -> list[PlannedFile]:
    try:
        files = sorted(path.iterdir())
    except OSError as error:
        raise UserError(f"cannot read the directory {path}: {error.strerror}") from None
    guesses = [(file, _guess(file.name)) for file in files]
    found = [
        PlannedFile(file, *guess)
        for file, guess in guesses
        if guess and stream in (None, guess[0]) and file_format in (None, guess[1])
    ]
    if not found:
        raise UserError(
            f"{path} holds no file to ingest: expected <stream>.jsonl (stream: {STREAM_NAMES}) or Master.csv, "
            "each perhaps with .gz or .zst; name other files one by one, with --stream and --format"
        )
    return found


def _plan_file(path: Path, stream: Stream | None, file_format: FileFormat | None) -> PlannedFile:
    if not path.is_file():
        raise UserError(f"{path} is no regular file; ingest reads files that it can read again from where it stopped")
    guess = _guess(path.name)
    chosen_format = file_format or (guess[1] if guess else None) or (FileFormat.JSONL if stream else None)
    if chosen_format is FileFormat.ASTERISK:
        if stream not in (None, Stream.CDR):
            raise UserError(f"{path}: Asterisk files hold calls: --stream {stream} does not go with --format asterisk")
        return PlannedFile(path, Stream.CDR, FileFormat.ASTERISK)
    chosen_stream = stream or (guess[0] if guess and guess[1] is FileFormat.JSONL else None)
    if chosen_format is None or chosen_stream is None:
        raise UserError(
            f"{path}: its name does not tell what it is; add --stream ({STREAM_NAMES}) for JSON lines, "
            "or --format asterisk for a Master.csv"
        )
    return PlannedFile(path, chosen_stream, chosen_format)


def _guess(name: str) -> tuple[Stream, FileFormat] | None:
    for compression in COMPRESSIONS:
        if name == f"Master.csv{compression}":
            return Stream.CDR, FileFormat.ASTERISK
        stem = name.removesuffix(f".jsonl{compression}")
        if stem != name and stem in list(Stream):
            return Stream(stem), FileFormat.JSONL
    return None
