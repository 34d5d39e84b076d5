from pathlib import Path

import pytest

from churnwatch.errors import UserError
from churnwatch.ingest.positions import PositionStore, Tail
from pipeline.sources.files import START, Position

TEN = Position(10, 100, "digest")


def note(folder: Path, path: Path, topic_id: str = "t1", tails: list[Tail] | None = None) -> None:
    with PositionStore(folder) as store:
        store.save({path: topic_id}, {path: TEN}, tails or [])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cdr.jsonl"
    path.touch()
    return path


def test_a_position_is_found_again_by_path_or_inode(tmp_path: Path, file: Path) -> None:
    note(tmp_path / "state", file)
    moved = file.rename(tmp_path / "elsewhere.jsonl")
    file.touch()
    with PositionStore(tmp_path / "state") as store:
        assert store.position("t1", moved) == TEN
        assert store.position("t1", file) == TEN


def test_another_topic_of_the_same_name_gets_everything_again(tmp_path: Path, file: Path) -> None:
    note(tmp_path / "state", file)
    with PositionStore(tmp_path / "state") as store:
        assert store.position("t2", file) == START


def test_tails_count_only_for_the_topic_they_were_noted_for(tmp_path: Path, file: Path) -> None:
    tail = Tail("t1", "churn.cdr", [5, 6])
    note(tmp_path / "state", file, tails=[tail])
    with PositionStore(tmp_path / "state") as store:
        assert store.tails({"churn.cdr": "t1"}) == [tail]
        assert store.tails({"churn.cdr": "t2"}) == []


def test_damaged_notes_are_told_and_left(tmp_path: Path) -> None:
    (tmp_path / "positions.json").write_text("{")
    with pytest.raises(UserError, match=r"positions\.json is damaged"), PositionStore(tmp_path):
        pass
    assert (tmp_path / "positions.json").read_text() == "{"


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with PositionStore(tmp_path), pytest.raises(UserError, match="another ingest"), PositionStore(tmp_path):
            pass
