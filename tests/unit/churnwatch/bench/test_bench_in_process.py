"""The benches that need no broker, at sizes that take no time."""

import json

from typer.testing import CliRunner

from churnwatch.bench.engine import EngineFeed, bench_decode, bench_engine
from churnwatch.bench.load import CallLoad
from churnwatch.bench.prepared import prepared_feed
from churnwatch.bench.scale import bench_scale
from churnwatch.cli import app
from churnwatch.settings import DEFAULT_FILE, Settings, read_settings
from pipeline.state.seen import KEEP_DAYS

SETTINGS: Settings = read_settings([DEFAULT_FILE], {})


def test_decode_and_engine_count_what_they_were_given() -> None:
    assert bench_decode(3000).records == 3000
    figures = bench_engine(SETTINGS, lines=300, records=4000)
    assert (figures.records, figures.lines) == (8000, 300)
    assert figures.us_per_event > figures.us_per_event_decode > 0
    assert figures.snapshot_megabytes > 0


def test_the_feed_applies_every_record_and_sweeps_at_midnight() -> None:
    feed = EngineFeed(SETTINGS)
    feed.take(feed.blocks(CallLoad(100, 5000, midnight_at=0.5)))
    assert sum(int(task.engine.state.lines["activity"].sum()) for task in feed.tasks) == 5000
    assert all((task.engine.state.lines["score"] >= 0).any() for task in feed.tasks)


def test_a_prepared_state_knows_every_line_and_the_ids_of_three_days() -> None:
    feed = prepared_feed(SETTINGS, lines=400, ids_per_line_day=25.0)
    days = [task.engine.state.seen.days for task in feed.tasks]
    assert feed.lines == 400
    assert {len(tables) for tables in days} == {KEEP_DAYS}
    assert sum(table.count for tables in days for table in tables.values()) == 400 * 25 * KEEP_DAYS


def test_scale_compares_two_sizes() -> None:
    figures = bench_scale(SETTINGS, few=200, many=800)
    assert (figures.few_lines, figures.many_lines) == (200, 800)
    assert abs(figures.cpu_ratio - figures.us_per_event_many / figures.us_per_event_few) < 0.01


def test_the_last_line_of_the_output_is_the_figures_as_one_json_object() -> None:
    result = CliRunner().invoke(app, ["bench", "decode", "--records", "2000", "--json"])
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.output.splitlines()[-1])) == {"records", "events_per_s", "us_per_event"}
    assert "events_per_s" in result.output.splitlines()[1]


def test_a_bench_that_does_not_exist_is_wrong_use() -> None:
    assert CliRunner().invoke(app, ["bench", "speed"]).exit_code == 2
