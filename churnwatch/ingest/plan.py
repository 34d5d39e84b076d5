"""Which files an ingest reads, as which stream and in which format."""

from collections.abc import Iterator, Mapping, Sequence
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
    FREESWITCH = "freeswitch"
    CGRATES = "cgrates"
    GPP = "3gpp"
    TMFORUM = "tmforum"
    MAP = "map"


CALL_STREAMS = frozenset({Stream.CDR})
#: What a native format's records may belong to; the first of them in order is the file's own.
NATIVE_STREAMS: Mapping[FileFormat, frozenset[Stream]] = {
    FileFormat.ASTERISK: CALL_STREAMS,
    FileFormat.FREESWITCH: CALL_STREAMS,
    FileFormat.CGRATES: CALL_STREAMS,
    FileFormat.GPP: CALL_STREAMS,
    FileFormat.TMFORUM: frozenset({Stream.ORDERS, Stream.CARE, Stream.BILLING, Stream.CDR}),
}
#: Files of a directory that are taken when the format is named; JSON lines and Asterisk are known by their names.
SUFFIXES: Mapping[FileFormat, tuple[str, ...]] = {
    FileFormat.FREESWITCH: (".csv",),
    FileFormat.CGRATES: (".csv", ".json", ".jsonl"),
    FileFormat.GPP: (".json", ".jsonl"),
    FileFormat.TMFORUM: (".json", ".jsonl"),
    FileFormat.MAP: (".csv", ".txt", ".dat"),
}


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file to read; `stream` is what its refusals belong to, and its records but for TM Forum's."""

    path: Path
    stream: Stream
    format: FileFormat

    @property
    def streams(self) -> frozenset[Stream]:
        """All streams that its records may go to."""
        return NATIVE_STREAMS.get(self.format, frozenset({self.stream}))


def plan_files(paths: Sequence[Path], stream: Stream | None, file_format: FileFormat | None) -> list[PlannedFile]:
    """The files of these paths in the order that breaks ties: by stream, then as given.

    A directory gives its `<stream>.jsonl` and `Master.csv` files, plain or compressed, or those that a named format
    goes by; a file gives itself. `stream` of the format `map` is that of the map.

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
    if file_format is not None and file_format in SUFFIXES:
        suffixes = tuple(suffix + compression for suffix in SUFFIXES[file_format] for compression in COMPRESSIONS)
        found = [_plan_file(file, stream, file_format) for file in files if file.name.endswith(suffixes)]
        expected = " or ".join(f"*{suffix}" for suffix in SUFFIXES[file_format])
    else:
        guesses = [(file, _guess(file.name)) for file in files]
        found = [
            PlannedFile(file, *guess)
            for file, guess in guesses
            if guess and stream in (None, guess[0]) and file_format in (None, guess[1])
        ]
        expected = f"<stream>.jsonl (stream: {STREAM_NAMES}) or Master.csv"
    if not found:
        raise UserError(
            f"{path} holds no file to ingest: expected {expected}, "
            "each perhaps with .gz or .zst; name other files one by one, with --stream and --format"
        )
    return found


def _plan_file(path: Path, stream: Stream | None, file_format: FileFormat | None) -> PlannedFile:
    if not path.is_file():
        raise UserError(f"{path} is no regular file; ingest reads files that it can read again from where it stopped")
    guess = _guess(path.name)
    chosen_format = file_format or (guess[1] if guess else None) or (FileFormat.JSONL if stream else None)
    if chosen_format is not None and chosen_format in NATIVE_STREAMS:
        return _plan_native(path, stream, chosen_format)
    if chosen_format is FileFormat.MAP and stream is None:
        raise UserError(f"{path}: --format map needs a field map: --map my.toml")
    chosen_stream = stream or (guess[0] if guess and guess[1] is FileFormat.JSONL else None)
    if chosen_format is None or chosen_stream is None:
        raise UserError(
            f"{path}: its name does not tell what it is; add --stream ({STREAM_NAMES}) for JSON lines, "
            f"--format ({', '.join(NATIVE_STREAMS)}) for what a system wrote, or --map my.toml for any CSV"
        )
    return PlannedFile(path, chosen_stream, chosen_format)


def _plan_native(path: Path, stream: Stream | None, file_format: FileFormat) -> PlannedFile:
    streams = NATIVE_STREAMS[file_format]
    if stream is not None and streams != {stream}:
        held = " and ".join(each for each in Stream if each in streams)
        raise UserError(
            f"{path}: {file_format} files hold {held}: --stream {stream} does not go with --format {file_format}"
        )
    return PlannedFile(path, min(streams, key=STREAM_RANK.__getitem__), file_format)


def _guess(name: str) -> tuple[Stream, FileFormat] | None:
    for compression in COMPRESSIONS:
        if name == f"Master.csv{compression}":
            return Stream.CDR, FileFormat.ASTERISK
        stem = name.removesuffix(f".jsonl{compression}")
        if stem != name and stem in list(Stream):
            return Stream(stem), FileFormat.JSONL
    return None
