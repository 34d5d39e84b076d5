import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import zstandard

from churnwatch.settings import Settings
from pipeline.events import DeadLetter
from pipeline.partitioning import partition_of
from tests.fakes.ingest_runs import ingest, ingest_and_be_killed, summary_of
from tests.fakes.topic_reader import read_topic

pytestmark = pytest.mark.long

ACCOUNTS = 50


@pytest.fixture
def environment(test_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {
        **test_environment,
        "CHURNWATCH_INGEST__STATE_DIR": str(tmp_path / "state"),
        "CHURNWATCH_PRIVACY__KEY_FILE": str(tmp_path / "key"),
    }


def call(number: int) -> str:
    record = {
        "record_id": f"c{number}", "ts_ms": 1_000_000 + number, "account_id": f"a{number % ACCOUNTS}", "line_id": "l",
        "service": "voice", "direction": "mo", "peer_operator": "self", "peer_kind": "subscriber", "duration_s": 1.0,
        "charge": 0.0, "roaming": False,
    }  # fmt: skip
    return json.dumps(record) + "\n"


def customer(number: int) -> str:
    record = {
        "ts_ms": 1_000_000 + number, "account_id": f"a{number}", "segment": "public", "star": 0, "region": "r",
        "lines": ["l"], "consent": {},
    }  # fmt: skip
    return json.dumps(record) + "\n"


def write_calls(path: Path, count: int, start: int = 0) -> Path:
    path.write_text("".join(call(number) for number in range(start, start + count)))
    return path


def record_ids(settings: Settings) -> list[str]:
    return [json.loads(record.value)["record_id"] for record in read_topic(settings, "cdr")]


def test_a_directory_goes_to_its_topics_with_keys_and_a_second_run_sends_nothing(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "replay"
    folder.mkdir()
    (folder / "cdr.jsonl.gz").write_bytes(gzip.compress("".join(map(call, range(1000))).encode()))
    (folder / "customers.jsonl.zst").write_bytes(zstandard.compress("".join(map(customer, range(50))).encode()))
    (folder / "truth.jsonl").write_text("not for the engine\n")
    first, second = (summary_of(ingest(environment, folder, "--json")) for _ in range(2))
    assert first["by_stream"] == {"customers": 50, "cdr": 1000}
    assert (second["records"], second["already_sent"]) == (0, 1050)
    calls = read_topic(test_settings, "cdr")
    assert sorted(record.value.decode() + "\n" for record in calls) == sorted(map(call, range(1000)))
    assert all(record.key == json.loads(record.value)["account_id"] for record in calls)
    assert all(record.partition == partition_of(record.key or "", test_settings.kafka.partitions) for record in calls)
    assert len(read_topic(test_settings, "customers")) == 50


def test_bad_lines_go_to_the_dead_letters_with_file_line_and_reason_and_the_rest_passes(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "cdr.jsonl"
    path.write_bytes(call(1).encode() + b"{broken\n\n" + call(2).encode() + b'{"ts_ms": 5}\n' + b"\xff\n")
    summary = summary_of(ingest(environment, path, "--json"))
    assert (summary["records"], summary["dead_letters"], summary["blank_lines"]) == (2, 3, 1)
    letters = [msgspec.json.decode(seen.value, type=DeadLetter) for seen in read_topic(test_settings, "dead-letters")]
    assert [(letter.file, letter.line, letter.reason.value) for letter in letters] == [
        (str(path), 2, "invalid_json"),
        (str(path), 5, "missing_field"),
        (str(path), 6, "invalid_json"),
    ]


@pytest.mark.parametrize("after_records", [1, 16_000, 36_000])
def test_a_killed_run_is_finished_by_a_second_one_with_every_record_once(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path, after_records: int
) -> None:
    environment["CHURNWATCH_INGEST__CHECKPOINT_S"] = "0.05"
    path = write_calls(tmp_path / "cdr.jsonl", 40_000)
    ingest_and_be_killed(environment, after_records, path)
    summary = summary_of(ingest(environment, path, "--json"))
    assert sorted(record_ids(test_settings)) == sorted(f"c{number}" for number in range(40_000))
    assert summary["records"] + summary["already_sent"] == 40_000


def test_two_kills_in_a_row_lose_and_double_nothing(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    environment["CHURNWATCH_INGEST__CHECKPOINT_S"] = "60"
    path = write_calls(tmp_path / "cdr.jsonl", 30_000)
    ingest_and_be_killed(environment, 20_000, path)
    ingest_and_be_killed(environment, 5_000, path)
    summary_of(ingest(environment, path, "--json"))
    assert sorted(record_ids(test_settings)) == sorted(f"c{number}" for number in range(30_000))


def test_a_file_that_has_grown_is_read_on_from_where_it_ended(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    path = write_calls(tmp_path / "cdr.jsonl", 10)
    with path.open("a") as file:
        file.write(call(10)[:-20])
    first = summary_of(ingest(environment, path, "--json"))
    assert (first["records"], first["half_lines"]) == (10, 1)
    write_calls(path, 12)
    second = summary_of(ingest(environment, path, "--json"))
    assert (second["records"], second["half_lines"], second["already_sent"]) == (2, 0, 10)
    assert sorted(record_ids(test_settings)) == sorted(f"c{number}" for number in range(12))


def test_a_renamed_file_is_known_and_a_replaced_one_is_read_from_its_start(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    path = write_calls(tmp_path / "cdr.jsonl", 10)
    summary_of(ingest(environment, path, "--json"))
    renamed = path.rename(tmp_path / "cdr.old")
    assert summary_of(ingest(environment, renamed, "--stream", "cdr", "--json"))["records"] == 0
    write_calls(path, 5, start=100)
    assert summary_of(ingest(environment, path, "--json"))["records"] == 5
    assert len(record_ids(test_settings)) == 15


def test_half_a_line_is_told_in_words(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "cdr.jsonl"
    path.write_text(call(1) + call(2)[:30])
    run = ingest(environment, path)
    assert run.returncode == 0
    assert "1 files end in half a line" in run.stdout


def failed(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 1, run.stdout
    assert "Traceback" not in run.stderr
    return run.stderr


def test_a_file_of_another_format_is_refused_before_anything_is_sent(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    write_calls(tmp_path / "cdr.jsonl", 10)
    (tmp_path / "orders.jsonl").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    assert "orders.jsonl is not in the format jsonl of orders" in failed(ingest(environment, tmp_path))
    assert record_ids(test_settings) == []


def test_a_compressed_file_that_is_cut_short_is_sent_as_far_as_it_goes_and_told(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "cdr.jsonl.gz"
    whole = gzip.compress("".join(map(call, range(20_000))).encode())
    path.write_bytes(whole[: len(whole) // 2])
    assert "cut short" in failed(ingest(environment, path))
    partly = len(record_ids(test_settings))
    assert 0 < partly < 20_000
    path.write_bytes(whole)
    assert summary_of(ingest(environment, path, "--json"))["records"] == 20_000 - partly
    assert len(set(record_ids(test_settings))) == 20_000


def test_what_cannot_be_ingested_is_told_without_a_traceback(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "calls.txt").write_text(call(1))
    (tmp_path / "empty").mkdir()
    (tmp_path / "block").write_text("")
    good = write_calls(tmp_path / "cdr.jsonl", 1)
    assert "does not exist" in failed(ingest(environment, tmp_path / "none"))
    assert "holds no file to ingest" in failed(ingest(environment, tmp_path / "empty"))
    assert "add --stream" in failed(ingest(environment, tmp_path / "calls.txt"))
    environment["CHURNWATCH_INGEST__STATE_DIR"] = str(tmp_path / "block")
    assert "cannot write to ingest.state_dir" in failed(ingest(environment, good))
    environment["KAFKA_BOOTSTRAP"] = "127.0.0.1:1"
    environment["CHURNWATCH_KAFKA__CONNECT_TIMEOUT_S"] = "1"
    assert "cannot reach Kafka at 127.0.0.1:1" in failed(ingest(environment, good))


def test_a_second_ingest_at_the_same_time_is_refused(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    from churnwatch.ingest.positions import PositionStore

    path = write_calls(tmp_path / "cdr.jsonl", 1)
    with PositionStore(Path(environment["CHURNWATCH_INGEST__STATE_DIR"])):
        assert "another ingest is running" in failed(ingest(environment, path))


def test_an_interrupted_run_notes_where_it_stands(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "cdr.jsonl"
    write_calls(path, 200_000)
    command = [sys.executable, "-m", "churnwatch", "ingest", str(path), "--json"]
    import os

    run = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True)
    notes = Path(environment["CHURNWATCH_INGEST__STATE_DIR"]) / "positions.json"
    while not notes.exists():
        assert run.poll() is None
    run.send_signal(signal.SIGTERM)
    output, _ = run.communicate(timeout=20)
    summary = json.loads(output.splitlines()[-1])
    assert (run.returncode, summary["interrupted"]) == (1, True)
    rest = summary_of(ingest(environment, path, "--json"))
    assert rest["records"] == 200_000 - summary["records"] > 0
