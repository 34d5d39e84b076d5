"""Real people's calls, and a file in Asterisk's own format, through `churnwatch ingest` into Kafka."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from churnwatch.settings import Settings
from pipeline.events import CallDetailRecord, Stream
from pipeline.refusals import decode_record
from tests.fakes.asterisk_files import asterisk_file, asterisk_row
from tests.fakes.ingest_runs import ingest, ingest_and_be_killed, summary_of
from tests.fakes.topic_reader import Seen, read_topic

COPENHAGEN = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "copenhagen" / "to_streams.py"


@pytest.fixture
def environment(test_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {
        **test_environment,
        "CHURNWATCH_INGEST__STATE_DIR": str(tmp_path / "state"),
        "CHURNWATCH_INGEST__CHECKPOINT_S": "0.05",
        "CHURNWATCH_PRIVACY__KEY_FILE": str(tmp_path / "key"),
    }


def texts(seen: list[Seen]) -> list[str]:
    return sorted(record.value.decode() for record in seen)


@pytest.mark.skipif(not COPENHAGEN.exists(), reason=f"the Copenhagen set is not at {COPENHAGEN.parent}")
def test_608_people_over_four_weeks_killed_half_way_and_run_again_are_there_once(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    replay = tmp_path / "replay"
    subprocess.run([sys.executable, str(COPENHAGEN), str(replay)], check=True)
    ingest_and_be_killed(environment, 28_000, replay)
    summary_of(ingest(environment, replay, "--json"))
    again = summary_of(ingest(environment, replay, "--json"))
    calls, customers = read_topic(test_settings, "cdr"), read_topic(test_settings, "customers")
    assert texts(calls) == sorted((replay / "cdr.jsonl").read_text().splitlines())
    assert texts(customers) == sorted((replay / "customers.jsonl").read_text().splitlines())
    assert (len(calls), len(customers)) == (55_866, 608)
    assert (again["records"], again["already_sent"]) == (0, 55_866 + 608)
    assert in_order_of_time(calls)


def in_order_of_time(seen: list[Seen]) -> bool:
    newest: Counter[int] = Counter()
    for record in seen:
        ts_ms = json.loads(record.value)["ts_ms"]
        if ts_ms < newest[record.partition]:
            return False
        newest[record.partition] = ts_ms
    return True


def test_an_asterisk_file_with_its_quirks_becomes_call_records_under_pseudonyms(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "Master.csv"
    rows = [
        asterisk_row(),
        asterisk_row(disposition="NO ANSWER", answer="", billsec=0, uniqueid="1772445700.18"),
        asterisk_row(src="", clid='"" <>', dst="s", uniqueid="1772445701.19"),
        asterisk_row(21, dst="004915112345678", dstchannel="SIP/trunk-1c", uniqueid="1772445702.20"),
        asterisk_row(src="+4930555", channel="SIP/trunk-1d", dst="2003", dstchannel="SIP/2003-1e", billsec=0),
        b"half a line of something else",
    ]
    path.write_bytes(asterisk_file(rows))
    summary = summary_of(ingest(environment, path, "--timezone", "Europe/Berlin", "--json"))
    assert (summary["by_stream"], summary["dead_letters"]) == ({"cdr": 6}, 2)
    seen = read_topic(test_settings, "cdr")
    records = [decode_record(Stream.CDR, record.value) for record in seen]
    calls = [record for record in records if isinstance(record, CallDetailRecord)]
    assert len(calls) == 6
    assert Counter(call.direction for call in calls) == {"mo": 3, "mt": 3}
    assert {call.line_id for call in calls if call.direction == "mo"} == {calls_of(calls, "mo")[0].line_id}
    assert all(record.key == call.account_id == call.line_id for record, call in zip(seen, calls, strict=True))
    letters = read_topic(test_settings, "dead-letters")
    everything = b"".join(record.value for record in [*seen, *letters]).decode()
    assert not any(number in everything for number in ("2001", "2002", "15112345678", "30555", "Hans"))
    assert summary_of(ingest(environment, path, "--timezone", "Europe/Berlin", "--json"))["records"] == 0


def calls_of(calls: list[CallDetailRecord], direction: str) -> list[CallDetailRecord]:
    return [call for call in calls if call.direction == direction]


def test_a_new_pseudonym_key_is_announced_and_readable_by_its_owner_only(
    environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "Master.csv"
    path.write_bytes(asterisk_file([asterisk_row()]))
    first, second = ingest(environment, path), ingest(environment, path)
    assert first.returncode == second.returncode == 0
    assert "pseudonym_key.created" in first.stderr
    assert "pseudonym_key.created" not in second.stderr
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "key").chmod(0o640)
    path.write_bytes(asterisk_file([asterisk_row(), asterisk_row(src="2009")]))
    refused = ingest(environment, path)
    assert (refused.returncode, "chmod 600" in refused.stderr) == (1, True)
    assert len(read_topic(test_settings, "cdr")) == 2
