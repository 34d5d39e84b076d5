from pathlib import Path

import pytest

from churnwatch.errors import UserError
from churnwatch.ingest.plan import FileFormat, plan_files
from pipeline.events import Stream


def touch(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.touch()
    return paths


def names(paths: list[Path], stream: Stream | None = None, file_format: FileFormat | None = None) -> list[str]:
    return [file.path.name for file in plan_files(paths, stream, file_format)]


def test_a_directory_gives_its_streams_in_the_order_that_breaks_ties(tmp_path: Path) -> None:
    touch(tmp_path, "cdr.jsonl", "outcomes.jsonl.zst", "customers.jsonl.gz", "orders.jsonl", "truth.jsonl", "notes.txt")
    assert names([tmp_path]) == ["customers.jsonl.gz", "orders.jsonl", "cdr.jsonl", "outcomes.jsonl.zst"]


def test_a_stream_and_a_format_choose_among_the_files_of_a_directory(tmp_path: Path) -> None:
    touch(tmp_path, "cdr.jsonl", "orders.jsonl", "Master.csv")
    assert names([tmp_path], stream=Stream.CDR) == ["Master.csv", "cdr.jsonl"]
    assert names([tmp_path], file_format=FileFormat.ASTERISK) == ["Master.csv"]


def test_options_tell_what_a_name_does_not(tmp_path: Path) -> None:
    calls, exchange = touch(tmp_path, "calls-2026.json", "pbx.csv")
    (file,) = plan_files([calls], Stream.CDR, None)
    assert (file.stream, file.format) == (Stream.CDR, FileFormat.JSONL)
    (file,) = plan_files([exchange], None, FileFormat.ASTERISK)
    assert (file.stream, file.format) == (Stream.CDR, FileFormat.ASTERISK)


@pytest.mark.parametrize(
    ("file_format", "expected"),
    [
        (FileFormat.FREESWITCH, ["Master.csv", "b.csv.gz"]),
        (FileFormat.GPP, ["a.json", "orders.jsonl"]),
        (FileFormat.CGRATES, ["Master.csv", "a.json", "b.csv.gz", "orders.jsonl"]),
    ],
)
def test_a_native_format_takes_the_files_of_a_directory_by_their_endings(
    tmp_path: Path, file_format: FileFormat, expected: list[str]
) -> None:
    touch(tmp_path, "Master.csv", "a.json", "b.csv.gz", "orders.jsonl", "notes.md")
    assert names([tmp_path], file_format=file_format) == expected


def test_payloads_of_tm_forum_go_to_four_streams_and_stand_first_where_orders_do(tmp_path: Path) -> None:
    payloads, calls = touch(tmp_path, "payloads.json", "Master.csv")
    (file,) = plan_files([payloads], None, FileFormat.TMFORUM)
    assert (file.stream, len(file.streams)) == (Stream.ORDERS, 4)
    (file,) = plan_files([calls], None, FileFormat.FREESWITCH)
    assert (file.stream, file.streams) == (Stream.CDR, frozenset({Stream.CDR}))


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    (path,) = touch(tmp_path, "cdr.jsonl")
    assert names([tmp_path, path, tmp_path / "." / "cdr.jsonl"]) == ["cdr.jsonl"]


@pytest.mark.parametrize(
    ("name", "stream", "file_format", "message"),
    [
        ("calls.txt", None, None, "add --stream"),
        ("calls.jsonl", None, None, "add --stream"),
        ("calls.txt", None, FileFormat.JSONL, "add --stream"),
        ("calls.csv", None, FileFormat.MAP, "needs a field map"),
        ("pbx.csv", Stream.ORDERS, FileFormat.ASTERISK, "does not go with --format asterisk"),
    ],
)
def test_what_nobody_told_is_asked_for(
    tmp_path: Path, name: str, stream: Stream | None, file_format: FileFormat | None, message: str
) -> None:
    (path,) = touch(tmp_path, name)
    with pytest.raises(UserError, match=message):
        plan_files([path], stream, file_format)


def test_a_pipe_is_refused_since_it_cannot_be_read_again(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "cdr.jsonl")
    with pytest.raises(UserError, match="no regular file"):
        plan_files([tmp_path / "cdr.jsonl"], None, None)
