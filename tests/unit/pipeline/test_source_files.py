import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from pipeline.sources.files import START, LineFile, Position, UnreadableFileError

LINES = [f"line {number}".encode() for number in range(5000)]
TEXT = b"\n".join(LINES) + b"\n"
PACKED: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}


def all_lines(path: Path, block_bytes: int = 1000) -> list[bytes]:
    with LineFile(path, block_bytes) as file:
        return [line for stretch in file.stretches() for line in stretch.lines]


def position_after(path: Path, lines: int) -> Position:
    with LineFile(path) as file:
        file.advance(LINES[:lines])
        return file.position()


def can_skip_to(path: Path, position: Position) -> bool:
    with LineFile(path) as file:
        return file.skip_to(position)


@pytest.mark.parametrize("packing", PACKED)
def test_lines_are_read_whatever_the_compression_and_the_name(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "any.name"
    path.write_bytes(PACKED[packing](TEXT))
    assert all_lines(path) == LINES


@pytest.mark.parametrize("packing", PACKED)
def test_reading_goes_on_behind_a_position(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(PACKED[packing](TEXT))
    with LineFile(path, block_bytes=700) as again:
        assert again.skip_to(position_after(path, 1234))
        stretch = next(again.stretches())
    assert (stretch.first_line, stretch.lines[0]) == (1234, LINES[1234])


def test_two_compressed_parts_one_after_the_other_are_one_text(tmp_path: Path) -> None:
    for name, pack in PACKED.items():
        path = tmp_path / name
        path.write_bytes(pack(b"a\nb") + pack(b"c\nd\n"))
        assert all_lines(path) == [b"a", b"bc", b"d"]


def test_a_file_with_another_beginning_is_not_taken_for_the_same(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(TEXT)
    position = position_after(path, 10)
    assert can_skip_to(path, position)
    path.write_bytes(TEXT.replace(b"line 3\n", b"LINE 3\n", 1))
    assert not can_skip_to(path, position)
    path.write_bytes(TEXT[:20])
    assert not can_skip_to(path, position)


def test_half_a_line_at_the_end_is_given_apart(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one\ntwo\nthr")
    with LineFile(path) as file:
        first, last = file.stretches()
    assert (first.lines, first.half) == ([b"one", b"two"], b"")
    assert (last.lines, last.half, last.first_line) == ([], b"thr", 2)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_compressed_file_that_is_cut_short_is_named(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "file.packed"
    path.write_bytes(PACKED[packing](TEXT)[:-9])
    with pytest.raises(UnreadableFileError, match=r"file\.packed is cut short"):
        all_lines(path)


def test_damaged_compressed_data_is_named(tmp_path: Path) -> None:
    for name in ("gzip", "zstd"):
        packed = bytearray(PACKED[name](TEXT))
        packed[20:40] = bytes(20)
        path = tmp_path / name
        path.write_bytes(packed)
        with pytest.raises(UnreadableFileError, match=name):
            all_lines(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="No such file"):
        LineFile(tmp_path / "none")
    with pytest.raises(UnreadableFileError, match="directory"):
        LineFile(tmp_path)


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")
    assert all_lines(path) == []
    assert position_after(path, 0) == START


def test_a_file_without_line_feeds_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.sources.files.MAX_LINE_BYTES", 5000)
    path = tmp_path / "blob"
    path.write_bytes(bytes(100_000))
    with pytest.raises(UnreadableFileError, match="line 1 is longer than"):
        all_lines(path)
