"""The report marks what happened to many at once, whoever tells it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from churnwatch.backtest.directory import find_directory
from churnwatch.backtest.overrides import parts_with
from churnwatch.backtest.report.incidents import incidents_of
from churnwatch.backtest.report.page import report_page
from churnwatch.backtest.run import Backtest, run_backtest
from churnwatch.errors import UserError
from pipeline.calm.incidents import Incident
from tests.fakes.replay_files import DAY_MS, START_MS, small_directory

KNOWN = {"start_ms": START_MS, "end_ms": START_MS + DAY_MS, "kind": "outage", "region": "east"}


def replayed(folder: Path) -> Backtest:
    return run_backtest(find_directory(small_directory(folder)), parts_with([], partitions=1), lambda _: None)


def test_what_the_operator_knows_stands_in_the_page(tmp_path: Path) -> None:
    (tmp_path / "incidents.jsonl").write_text(json.dumps(KNOWN) + "\n")

    page = report_page(replayed(tmp_path), {})

    assert "<td>east: outage</td><td>known to the operator</td><td>2024-10-04</td><td>2024-10-05</td>" in page
    assert "<h2>Warnings a day</h2>" in page


def test_what_several_partitions_saw_is_one_incident_from_its_start_to_its_last_word(tmp_path: Path) -> None:
    result = replayed(tmp_path)
    began = Incident("north", "cdr", START_MS, START_MS // DAY_MS, lines=40)
    seen = [began.warning(START_MS + 3_600_000), began.warning(START_MS + 7_200_000)]
    result = replace(result, replayed=replace(result.replayed, warnings=seen))

    (one,) = incidents_of(result)

    assert (one.start_ms, one.end_ms, one.is_known) == (START_MS, START_MS + 7_200_000, False)
    assert one.words == f"north: {seen[0].reasons[0].replace('_', ' ')}"


def test_a_line_that_is_no_incident_is_told_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "incidents.jsonl").write_text('{"kind": "outage"}\n')

    with pytest.raises(UserError, match=r"incidents.jsonl: line 1: .*start_ms"):
        report_page(replayed(tmp_path), {})
