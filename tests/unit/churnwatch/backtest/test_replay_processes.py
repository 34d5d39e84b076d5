"""However many processes replay a directory, they find the same, count the same and refuse the same."""

from pathlib import Path

import pytest

from churnwatch.backtest.directory import find_directory
from churnwatch.backtest.overrides import parts_with
from churnwatch.backtest.processes import ShardDiedError, replay_in_processes
from churnwatch.backtest.run import Backtest, processes_for, run_backtest
from churnwatch.errors import UserError
from pipeline.sources.operator.config import load_scenario
from pipeline.sources.operator.writing import write_directory
from tests.fakes.replay_files import DAY_MS, START_MS, call, customer, small_directory, write_stream

ACCOUNTS = [f"a{number}" for number in range(12)]
OF_THE_MACHINE = {"seconds", "events_per_s", "peak_rss_mb"}


def run(folder: Path, processes: int) -> Backtest:
    parts = parts_with(["learning.minimum_positives=1", "engine.tick_s=21600"], partitions=3)
    return run_backtest(find_directory(folder), parts, lambda _: None, processes)


@pytest.fixture(scope="module")
def operators_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operator")
    write_directory(load_scenario("price-war", customers=60, days=45, seed=5), folder)
    with (folder / "cdr.jsonl").open("ab") as file:
        file.write(b'nonsense\n{"account_id":"a1","ts_ms":5}\n')
    return folder


def test_two_processes_give_what_one_gives(operators_days: Path) -> None:
    one, two = run(operators_days, 1), run(operators_days, 2)

    assert one.figures["models_published"]
    assert _without_times(two) == _without_times(one)
    assert two.replayed.dead_letters == one.replayed.dead_letters
    assert [(day.day_ms, day.lines.tolist(), day.scores.tolist(), day.declared.tolist()) for day in two.lists.days] == [
        (day.day_ms, day.lines.tolist(), day.scores.tolist(), day.declared.tolist()) for day in one.lists.days
    ]
    assert (two.lists.line_ids, two.segments, two.lines_of) == (one.lists.line_ids, one.segments, one.lines_of)


def test_a_partition_whose_customers_fall_silent_is_replayed_to_the_end(tmp_path: Path) -> None:
    write_stream(tmp_path, "customers", [customer(account) for account in ACCOUNTS])
    early = [call(number, START_MS + number, account) for number, account in enumerate(ACCOUNTS)]
    late = [call(100 + day, START_MS + day * DAY_MS, ACCOUNTS[0]) for day in range(1, 4)]
    write_stream(tmp_path, "cdr", [*early, *late])

    two = run(tmp_path, 2)

    assert [len(day.lines) for day in two.lists.days] == [len(ACCOUNTS)] * 3
    assert _without_times(two) == _without_times(run(tmp_path, 1))


def test_a_process_tells_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    small_directory(tmp_path)
    write_stream(tmp_path, "cdr", [call(1, START_MS + 5 * DAY_MS), call(2, START_MS)])

    with pytest.raises(UserError, match=r"cdr.jsonl: line 2 was received 120.0 hours before"):
        run(tmp_path, 2)


def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    directory = find_directory(small_directory(tmp_path, days=5))
    parts = parts_with([], partitions=2)

    def kill_the_others(_: int) -> None:
        import multiprocessing

        for child in multiprocessing.active_children():
            child.kill()

    with pytest.raises(ShardDiedError, match="was killed"):
        replay_in_processes(directory, parts, 2, kill_the_others)


def test_little_is_read_in_one_process(tmp_path: Path) -> None:
    assert processes_for(find_directory(small_directory(tmp_path)), partitions=8) == 1


def _without_times(result: Backtest) -> dict[str, object]:
    return {name: value for name, value in result.figures.items() if name not in OF_THE_MACHINE}
