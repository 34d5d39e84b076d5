"""`churnwatch simulate` writes a replay directory, the same one each time, and says clearly what it cannot do."""

import gzip
import hashlib
import json
from pathlib import Path

import msgspec
import pytest
import typer
import zstandard
from typer.testing import CliRunner

from churnwatch.commands.simulate import register
from churnwatch.errors import UserError
from pipeline.events import Stream, Truth


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    register(app)
    app.command("other")(lambda: None)
    return app


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def simulate(app: typer.Typer, out: Path, *more: str) -> str:
    result = CliRunner().invoke(app, ["simulate", "--out", str(out), "--customers", "80", "--days", "4", *more])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("compress", ["none", "gz", "zst"])
def test_the_same_seed_gives_byte_equal_directories(app: typer.Typer, tmp_path: Path, compress: str) -> None:
    for name in ("first", "second"):
        simulate(app, tmp_path / name, "--compress", compress, "--seed", "9")
    assert hashes(tmp_path / "first") == hashes(tmp_path / "second")
    assert len(hashes(tmp_path / "first")) == 9


def test_packed_streams_hold_the_same_records_as_plain_ones(app: typer.Typer, tmp_path: Path) -> None:
    for compress in ("none", "gz", "zst"):
        simulate(app, tmp_path / compress, "--compress", compress)
    for stream in Stream:
        plain = (tmp_path / "none" / f"{stream}.jsonl").read_bytes()
        assert gzip.decompress((tmp_path / "gz" / f"{stream}.jsonl.gz").read_bytes()) == plain
        packed = (tmp_path / "zst" / f"{stream}.jsonl.zst").read_bytes()
        assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == plain


def test_the_last_line_of_json_counts_what_was_written(app: typer.Typer, tmp_path: Path) -> None:
    figures = json.loads(simulate(app, tmp_path / "out", "--json").splitlines()[-1])
    written = {stream.value: len((tmp_path / "out" / f"{stream}.jsonl").read_bytes().splitlines()) for stream in Stream}
    assert figures["by_stream"] == written
    assert figures["records"] == sum(written.values())
    truth = (tmp_path / "out" / "truth.jsonl").read_bytes().splitlines()
    assert figures["churners"] == len([msgspec.json.decode(line, type=Truth) for line in truth])


def test_the_true_hazard_is_written_on_request(app: typer.Typer, tmp_path: Path) -> None:
    simulate(app, tmp_path / "out", "--hazard")
    rows = [json.loads(line) for line in (tmp_path / "out" / "hazard.jsonl").read_text().splitlines()]
    assert len({row["day_ms"] for row in rows}) == 4
    assert all(0 <= row["hazard"] <= 1 for row in rows)


def test_incidents_of_the_simulated_days_are_told_to_reports(app: typer.Typer, tmp_path: Path) -> None:
    simulate(app, tmp_path / "calm")
    simulate(app, tmp_path / "outage", "--scenario", "outage", "--customers", "5", "--days", "30")

    assert (tmp_path / "calm" / "incidents.jsonl").read_bytes() == b""
    (told,) = map(json.loads, (tmp_path / "outage" / "incidents.jsonl").read_text().splitlines())
    assert told["kind"] == "outage"
    assert told["region"] == "east"
    assert told["end_ms"] - told["start_ms"] == pytest.approx(0.42 * 86_400_000)


def test_an_unknown_scenario_is_wrong_use_and_names_the_known_ones(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["simulate", "--out", str(tmp_path / "out"), "--scenario", "storm"])
    assert result.exit_code == 2
    assert "price-war" in result.output


def test_an_earlier_replay_is_never_mixed_with_a_new_one(app: typer.Typer, tmp_path: Path) -> None:
    simulate(app, tmp_path / "out")
    result = CliRunner().invoke(app, ["simulate", "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, UserError)
    assert "already holds" in str(result.exception)


def test_a_file_where_the_directory_should_be_is_a_clear_message(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    result = CliRunner().invoke(app, ["simulate", "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, UserError)
    assert "is a file" in str(result.exception)


def test_a_run_that_breaks_off_leaves_no_file_that_looks_finished(tmp_path: Path) -> None:
    from pipeline.sources.operator.config import load_scenario
    from pipeline.sources.operator.writing import write_directory

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_directory(load_scenario("calm", customers=30, days=3), tmp_path / "out", after_day=stop)
    assert list((tmp_path / "out").iterdir()) == []
