"""What every source of records keeps to, whatever its format."""

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import RECORD_TYPES, DeadLetter, Stream
from pipeline.refusals import Refusal, decode_record
from pipeline.sources.asterisk import AsteriskCsv, AsteriskOptions
from pipeline.sources.cgrates import cgrates_csv, cgrates_json
from pipeline.sources.field_map import check_field_map
from pipeline.sources.field_map_reader import mapped_csv
from pipeline.sources.freeswitch import freeswitch_csv
from pipeline.sources.gpp import gpp_json
from pipeline.sources.jsonl import JsonLines
from pipeline.sources.port import DEAD_LETTERS, LineFormat
from pipeline.sources.tmforum import tmforum_json
from tests.fakes.asterisk_files import asterisk_row
from tests.fakes.gpp_records import MO
from tests.fakes.native_lines import as_line, surroundings
from tests.fakes.native_rows import MAPPED, MAPPED_ROW, RATED, RATED_ROW, SWITCH_ROW
from tests.fakes.tmf_payloads import TICKET

CALL = json.dumps({
    "record_id": "c", "ts_ms": 1, "account_id": "a", "line_id": "l", "service": "voice", "direction": "mo",
    "peer_operator": "self", "peer_kind": "subscriber", "duration_s": 1, "charge": 0, "roaming": False,
}).encode()  # fmt: skip


def mapped() -> LineFormat:
    return mapped_csv("file", check_field_map("map.toml", MAPPED), surroundings(), [])


FORMATS: dict[str, tuple[Callable[[], LineFormat], bytes]] = {
    "jsonl": (lambda: JsonLines("file", Stream.CDR), CALL),
    "asterisk": (lambda: AsteriskCsv("file", AsteriskOptions(), lambda text: f"p{hash(text)}"), asterisk_row()),
    "freeswitch": (lambda: freeswitch_csv("file", surroundings()), SWITCH_ROW),
    "cgrates-csv": (lambda: cgrates_csv("file", surroundings(), b""), RATED_ROW),
    "cgrates-json": (lambda: cgrates_json("file", surroundings()), as_line(RATED)),
    "3gpp": (lambda: gpp_json("file", surroundings()), as_line(MO)),
    "tmforum": (lambda: tmforum_json("file", surroundings()), as_line(TICKET)),
    "map": (mapped, MAPPED_ROW),
}
STREAM_OF_REFUSALS = {"tmforum": "orders"}
every_format = pytest.mark.parametrize("name", FORMATS)
junk = st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b""))


@every_format
@given(data=st.data())
def test_whatever_the_lines_hold_each_comes_out_as_records_a_dead_letter_or_blank(
    name: str, data: st.DataObject
) -> None:
    make, good = FORMATS[name]
    lines = data.draw(st.lists(st.one_of(junk, st.just(good)), min_size=1, max_size=6))
    outgoing = make().read(lines, 0)
    columns = (outgoing.received_ms, outgoing.topics, outgoing.keys, outgoing.values, outgoing.lines)
    assert len({len(column) for column in columns}) == 1
    assert len(set(outgoing.lines)) + outgoing.blank_lines == len(lines)
    assert list(outgoing.lines) == sorted(outgoing.lines)


@every_format
def test_what_is_sent_to_a_stream_is_a_record_of_the_contract_under_its_key(name: str) -> None:
    make, good = FORMATS[name]
    outgoing = make().read([good], 0)
    assert outgoing.values
    for topic, key, value in zip(outgoing.topics, outgoing.keys, outgoing.values, strict=True):
        record = decode_record(Stream(topic), value)
        assert isinstance(record, RECORD_TYPES[Stream(topic)]), record
        assert not isinstance(record, Refusal)
        assert record.account_id == key


@every_format
def test_a_dead_letter_names_stream_file_and_line_counted_from_one(name: str) -> None:
    make, good = FORMATS[name]
    outgoing = make().read([good, b"~~~"], 40)
    place = outgoing.topics.index(DEAD_LETTERS)
    letter = msgspec.json.decode(outgoing.values[place], type=DeadLetter)
    assert (letter.stream, letter.file, letter.line) == (STREAM_OF_REFUSALS.get(name, "cdr"), "file", 42)


@every_format
def test_records_of_one_line_have_one_time_so_that_a_merge_cannot_part_them(name: str) -> None:
    make, good = FORMATS[name]
    outgoing = make().read([good], 0)
    assert len(set(outgoing.received_ms)) == 1


@every_format
def test_a_whole_line_is_told_from_half_of_one(name: str) -> None:
    make, good = FORMATS[name]
    assert make().is_whole(good)
    assert not make().is_whole(good[:-1])
