import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import Stream
from pipeline.sources.files import LineFile, Position
from pipeline.sources.jsonl import JsonLines
from pipeline.sources.merge import Feed, merged
from pipeline.sources.port import DEAD_LETTERS, Outgoing


def line(account: str, ts_ms: int) -> bytes:
    return json.dumps({"account_id": account, "ts_ms": ts_ms}).encode()


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(each + b"\n" for each in lines))
    return path


def feed(path: Path, stream: Stream = Stream.CDR, position: Position | None = None, block_bytes: int = 60) -> Feed:
    file = LineFile(path, block_bytes)
    assert position is None or file.skip_to(position)
    return Feed(file, JsonLines(path.name, stream))


def batches_of(feeds: list[Feed]) -> Iterator[Outgoing]:
    with contextlib.ExitStack() as files:
        for each in feeds:
            files.callback(each.file.close)
        yield from merged(feeds)


def keys(feeds: list[Feed]) -> list[str]:
    return [key for batch in batches_of(feeds) for key in batch.keys]


def test_files_are_merged_by_time(tmp_path: Path) -> None:
    one = write(tmp_path / "one", *(line(f"a{ts}", ts) for ts in (1, 4, 5, 9)))
    two = write(tmp_path / "two", *(line(f"b{ts}", ts) for ts in (2, 3, 7)))
    assert keys([feed(one), feed(two)]) == ["a1", "b2", "b3", "a4", "a5", "b7", "a9"]


def test_at_equal_times_the_earlier_file_comes_first_then_the_earlier_line(tmp_path: Path) -> None:
    one = write(tmp_path / "one", *(line(f"a{number}", 5) for number in range(6)))
    two = write(tmp_path / "two", line("b-early", 1), *(line(f"b{number}", 5) for number in range(6)))
    expected = ["b-early", *(f"a{n}" for n in range(6)), *(f"b{n}" for n in range(6))]
    assert keys([feed(one), feed(two)]) == expected


def test_the_order_within_a_file_is_never_changed(tmp_path: Path) -> None:
    one = write(tmp_path / "one", line("a9", 9), line("a2", 2), line("a10", 10))
    two = write(tmp_path / "two", line("b5", 5), line("b11", 11))
    assert keys([feed(one), feed(two)]) == ["b5", "a9", "a2", "a10", "b11"]


def test_a_dead_letter_keeps_its_place(tmp_path: Path) -> None:
    one = write(tmp_path / "one", line("a1", 1), b"bad", line("a3", 3))
    two = write(tmp_path / "two", line("b2", 2))
    topics = [topic for batch in batches_of([feed(one), feed(two)]) for topic in batch.topics]
    assert topics == ["cdr", DEAD_LETTERS, "cdr", "cdr"]


times = st.lists(st.lists(st.integers(0, 20), max_size=25).map(sorted), min_size=1, max_size=4)


@given(times, st.integers(40, 300))
def test_the_merge_equals_one_stable_sort_whatever_the_blocks(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[int]], block_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    paths = [
        write(folder / str(rank), *(line(f"{rank}.{number}", ts) for number, ts in enumerate(one)))
        for rank, one in enumerate(files)
    ]
    expected = sorted(
        ((ts, rank, number) for rank, one in enumerate(files) for number, ts in enumerate(one)),
    )
    got = keys([feed(path, block_bytes=block_bytes) for path in paths])
    assert got == [f"{rank}.{number}" for _, rank, number in expected]


@given(times, st.integers(40, 300), st.integers(1, 30))
def test_stopping_after_any_batch_and_going_on_gives_every_record_once(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[int]], block_bytes: int, batches: int
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    paths = [
        write(folder / str(rank), *(line(f"{rank}.{number}", ts) for number, ts in enumerate(one)))
        for rank, one in enumerate(files)
    ]
    whole = keys([feed(path, block_bytes=block_bytes) for path in paths])
    first = [feed(path, block_bytes=block_bytes) for path in paths]
    got: list[str] = []
    for batch in itertools.islice(batches_of(first), batches):
        got += batch.keys
    positions = [each.position() for each in first]
    got += keys([feed(path, position=at, block_bytes=97) for path, at in zip(paths, positions, strict=True)])
    assert got == whole


def test_asking_for_the_position_now_and_then_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "one", *(line(f"a{ts}", ts) for ts in range(50)))
    other = write(tmp_path / "two", *(line(f"b{ts}", ts) for ts in range(0, 50, 7)))
    feeds = [feed(path), feed(other)]
    got, seen = [], []
    for batch in batches_of(feeds):
        got += batch.keys
        seen.append(feeds[0].position().lines)
    assert len(got) == 58
    assert seen == sorted(seen)
    assert seen[-1] == 50


def test_half_a_line_is_left_for_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(line("a1", 1) + b"\n" + line("a2", 2)[:-5])
    first = feed(path)
    assert keys([first]) == ["a1"]
    assert first.half_line
    path.write_bytes(line("a1", 1) + b"\n" + line("a2", 2) + b"\n")
    assert keys([feed(path, position=first.position())]) == ["a2"]


def test_a_whole_last_line_without_a_line_feed_is_sent_once_also_when_the_file_grows(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(line("a1", 1) + b"\n" + line("a2", 2))
    first = feed(path)
    assert keys([first]) == ["a1", "a2"]
    path.write_bytes(line("a1", 1) + b"\n" + line("a2", 2) + b"\n" + b"bad\n" + line("a3", 3) + b"\n")
    second = feed(path, position=first.position())
    batches = list(batches_of([second]))
    assert [key for batch in batches for key in batch.keys] == ["one", "a3"]
    assert b'"line":3' in b"".join(value for batch in batches for value in batch.values)


def wrong_format(path: Path) -> str:
    one = feed(path, block_bytes=1000)
    with one.file:
        return one.wrong_format()


def test_a_file_without_any_record_at_its_start_is_told_to_be_another_format(tmp_path: Path) -> None:
    assert wrong_format(write(tmp_path / "wrong", b"GIF89a", b"x")).startswith("invalid_json")
    assert wrong_format(write(tmp_path / "right", b"bad", line("a1", 1))) == ""
    assert wrong_format(write(tmp_path / "empty")) == ""
