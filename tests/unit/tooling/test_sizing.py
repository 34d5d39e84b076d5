"""The sizes of docs/operations/scale.md: current, checked by hand once, growing with the lines, resting on what is measured."""

import dataclasses
import re
from pathlib import Path

import pytest

from churnwatch.sizing import ASSUMED, MEASURED, sizing
from churnwatch.sizing_document import LINES, main

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_page_is_current() -> None:
    assert main(["--check"]) == 0


def test_a_stale_page_is_told_and_renewed(tmp_path: Path) -> None:
    page = tmp_path / "scale.md"
    page.write_text("# Sizes\n\n<!-- table: begin -->\nold\n<!-- table: end -->\nrest\n", encoding="utf-8")
    assert main(["--check"], page) == 1
    assert main(["--write"], page) == 0
    assert main(["--check"], page) == 0
    assert page.read_text(encoding="utf-8").endswith("rest\n")


def test_a_million_lines_worked_by_hand() -> None:
    one = sizing(1_000_000)
    assert one.records_per_s == pytest.approx(289.35, abs=0.01)
    assert (one.workers, one.partitions) == (1, 8)
    assert one.worker_gib == pytest.approx(0.3 + 2229e6 / 2**30)
    assert one.topic_gib == pytest.approx(1e6 * 25 * 290 * 7 * 3 / 2**30)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(sizing(1)) if field.name != "worker_gib"])
def test_more_lines_never_need_less(name: str) -> None:
    values = [getattr(sizing(lines), name) for lines in LINES]
    assert values == sorted(values)


def test_no_worker_is_planned_above_its_limits_and_each_has_partitions() -> None:
    for lines in (*LINES, 123_456, 7_777_777):
        one = sizing(lines)
        assert lines / one.workers <= ASSUMED.lines_per_worker
        assert one.peak_per_s / one.workers <= MEASURED.worker_records_per_s * ASSUMED.headroom
        assert one.partitions >= one.workers


@pytest.mark.parametrize(
    ("page", "row", "value"),
    [
        ("performance.md", r"`events_per_s` \| [\d,]+ \| ([\d,]+)", MEASURED.worker_records_per_s),
        ("performance.md", r"`peak_bytes_per_line` \| [\d,]+ \| ([\d,]+)", MEASURED.worker_line_bytes),
        ("performance.md", r"`peak_bytes_per_line` \| [\d,]+ \| [\d,]+, ([\d,]+)", MEASURED.worker_line_bytes_peak),
        ("tasks.md", r"warnings into tasks \| [\d,]+ a second \| ([\d,]+) a second", MEASURED.warnings_per_s),
    ],
)
def test_what_is_said_to_be_measured_is_in_the_document_that_measures_it(page: str, row: str, value: float) -> None:
    found = re.search(row, (DOCS / page).read_text(encoding="utf-8"))
    assert found is not None
    assert float(found[1].replace(",", "").rstrip(".")) == value, "measured anew: put it into churnwatch/sizing.py"
