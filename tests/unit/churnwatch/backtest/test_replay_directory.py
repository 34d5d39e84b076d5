"""A replay directory that cannot be used is told clearly; what can be used is."""

import gzip
import json
from pathlib import Path

import pytest

from churnwatch.backtest.directory import ReplayDirectory, find_directory
from churnwatch.backtest.overrides import parts_with
from churnwatch.backtest.run import Backtest, run_backtest
from churnwatch.errors import UserError
from tests.fakes.replay_files import DAY_MS, START_MS, call, small_directory, write_stream


def run(folder: Path | ReplayDirectory, *assignments: str) -> Backtest:
    directory = find_directory(folder) if isinstance(folder, Path) else folder
    return run_backtest(directory, parts_with(assignments, partitions=2), lambda _: None)


@pytest.mark.parametrize("missing", ["customers", "cdr"])
def test_a_directory_without_customers_or_cdr_is_refused(tmp_path: Path, missing: str) -> None:
    (small_directory(tmp_path) / f"{missing}.jsonl").unlink()

    with pytest.raises(UserError, match=f"has no {missing}.jsonl"):
        find_directory(tmp_path)


def test_a_path_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no directory"):
        find_directory(tmp_path / "nowhere")


def test_a_stream_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    small_directory(tmp_path)
    (tmp_path / "cdr.jsonl.gz").write_bytes(gzip.compress((tmp_path / "cdr.jsonl").read_bytes()))

    with pytest.raises(UserError, match="which one counts"):
        find_directory(tmp_path)


def test_a_file_out_of_order_by_more_than_an_hour_is_refused_with_its_line(tmp_path: Path) -> None:
    small_directory(tmp_path)
    late = [call(1, START_MS), call(2, START_MS + 3 * 3_600_000), call(3, START_MS + 3_600_000)]
    write_stream(tmp_path, "cdr", late)

    with pytest.raises(UserError, match=r"cdr.jsonl: line 3 was received 2.0 hours before"):
        run(tmp_path)


def test_a_file_out_of_order_by_less_than_an_hour_is_taken(tmp_path: Path) -> None:
    small_directory(tmp_path)
    write_stream(tmp_path, "cdr", [call(1, START_MS), call(2, START_MS + 3_000_000), call(3, START_MS + 60_000)])

    assert run(tmp_path).figures["events"] == 4


def test_half_a_line_at_the_end_is_left_out_and_told(tmp_path: Path) -> None:
    with (small_directory(tmp_path) / "cdr.jsonl").open("a") as file:
        file.write('{"record_id": "x", "ts_ms')

    result = run(tmp_path)

    assert result.replayed.half_lines == ["cdr.jsonl"]
    assert result.figures["events"] == 13
    assert result.figures["dead_letters"] == 0


def test_a_whole_last_line_without_a_line_feed_is_taken(tmp_path: Path) -> None:
    path = small_directory(tmp_path) / "cdr.jsonl"
    path.write_text(path.read_text().rstrip("\n"))

    assert run(tmp_path).figures["events"] == 13


def test_bad_and_blank_lines_are_counted_and_nothing_stops(tmp_path: Path) -> None:
    small_directory(tmp_path)
    path = tmp_path / "cdr.jsonl"
    good = path.read_text().splitlines()
    negative = json.dumps({**call(98, START_MS + 10), "duration_s": -1})
    path.write_text("\n".join([good[0], "nonsense", "", negative, *good[1:]]) + "\n")
    (tmp_path / "care.jsonl").write_text('{"account_id": "a1", "ts_ms": 5}\n{"half\n')

    result = run(tmp_path)

    assert result.replayed.dead_letters == {"invalid_json": 2, "out_of_range": 1, "missing_field": 1}
    assert result.figures["dead_letters"] == 4
    assert result.figures["events"] == 17


def test_a_record_that_comes_twice_counts_once(tmp_path: Path) -> None:
    small_directory(tmp_path)
    write_stream(tmp_path, "cdr", [call(1, START_MS), call(1, START_MS + 10), call(2, START_MS + DAY_MS)])

    assert run(tmp_path).figures["duplicates"] == 1


def test_a_truth_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    (small_directory(tmp_path) / "truth.jsonl").write_text('{"line_id": "a1-1"}\n')

    with pytest.raises(UserError, match=r"truth.jsonl: line 1: .*account_id"):
        run(tmp_path)


def test_a_tick_that_does_not_divide_the_day_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"engine\.tick_s"):
        run(small_directory(tmp_path), "engine.tick_s=7000")


def test_an_empty_call_file_gives_no_lists(tmp_path: Path) -> None:
    small_directory(tmp_path)
    write_stream(tmp_path, "cdr", [])

    figures = run(tmp_path).figures

    assert figures["lists"] == 0
    assert figures["lines"] == 1


def test_every_line_is_listed_at_every_midnight_between_its_records(tmp_path: Path) -> None:
    result = run(small_directory(tmp_path, days=3))

    assert [(day.day_ms, day.lines.tolist()) for day in result.lists.days] == [
        (START_MS + DAY_MS, [0]),
        (START_MS + 2 * DAY_MS, [0]),
    ]
    assert result.lists.line_ids == ["a1-1"]


@pytest.mark.parametrize("days_off", [-400, 400])
def test_the_time_of_a_call_that_is_refused_says_nothing_of_the_files_order(tmp_path: Path, days_off: int) -> None:
    small_directory(tmp_path)
    path = tmp_path / "cdr.jsonl"
    lines = path.read_text().splitlines()
    wrong = json.dumps({"account_id": "a1", "ts_ms": START_MS + days_off * DAY_MS})
    path.write_text("\n".join([*lines[:4], wrong, *lines[4:]]) + "\n")

    result = run(tmp_path)

    assert result.replayed.dead_letters == {"missing_field": 1}
    assert [day.day_ms for day in result.lists.days] == [START_MS + DAY_MS, START_MS + 2 * DAY_MS]
