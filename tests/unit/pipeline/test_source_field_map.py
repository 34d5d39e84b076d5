import contextlib
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import BillingRecord, CallDetailRecord, CustomerRecord, DeadLetter
from pipeline.sources.field_map import FieldMapError, check_field_map, read_field_map
from pipeline.sources.field_map_reader import mapped_csv
from pipeline.sources.native import NativeLines
from tests.fakes.native_lines import (
    OWN,
    RIVAL,
    calls,
    check_contract,
    line_of,
    pseudonym,
    reason,
    records,
    surroundings,
)

CALLS = """
stream = "cdr"
delimiter = ";"
zone = "Europe/Berlin"
decimal = ","

[only]
Typ = ["V", "S", "X"]

[fields.ts_ms]
columns = ["Datum", "Zeit"]
time = "%d.%m.%Y %H:%M:%S"
zone_column = "Zone"

[fields.account_id]
column = "Kunde"

[fields.line_id]
column = "A"

[fields.peer_id]
column = "B"

[fields.peer_operator]
column = "Trunk"
as = "trunk"

[fields.peer_kind]
column = "B"
as = "peer_kind"

[fields.service]
column = "Typ"
values = {V = "voice", S = "sms"}

[fields.direction]
column = "Richtung"
values = {out = "mo", in = "mt"}
otherwise = "mo"

[fields.duration_s]
column = "Dauer"
unit = "min"
otherwise = 0

[fields.bytes_down]
column = "Volumen"
unit_column = "Einheit"

[fields.charge]
column = "Preis"
otherwise = 0

[fields.roaming]
column = "Ausland"
otherwise = false
"""
HEADER = b"Datum;Zeit;Zone;Kunde;A;B;Trunk;Typ;Richtung;Dauer;Volumen;Einheit;Preis;Ausland"
CELLS = {
    "Datum": "02.03.2026", "Zeit": "10:00:00", "Zone": "", "Kunde": "ACME", "A": f"+{OWN}", "B": f"+{RIVAL}",
    "Trunk": "TG-RB", "Typ": "V", "Richtung": "out", "Dauer": "1,5", "Volumen": "", "Einheit": "", "Preis": "1.234,50",
    "Ausland": "nein",
}  # fmt: skip


def row(**cells: str) -> bytes:
    return ";".join({**CELLS, **cells}.values()).encode()


def reader(text: str = CALLS, header: bytes = HEADER) -> NativeLines:
    return mapped_csv("calls.csv", check_field_map("my.toml", text), surroundings(), [header])


def call(**cells: str) -> CallDetailRecord:
    (record,) = calls(reader(), HEADER, row(**cells))
    return record


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def refusal(text: str, header: bytes = HEADER) -> str:
    with pytest.raises(FieldMapError) as caught:
        reader(text, header)
    return str(caught.value)


def test_a_row_becomes_a_record_with_every_field_as_the_map_says() -> None:
    record = call()
    assert record.ts_ms == ms("2026-03-02T10:00:00+01:00")
    assert (record.account_id, record.line_id, record.peer_id) == ("ACME", line_of(OWN), line_of(RIVAL))
    assert (record.service, record.direction, record.peer_operator, record.peer_kind) == (
        "voice",
        "mo",
        "rival-b",
        "subscriber",
    )
    assert (record.duration_s, record.charge, record.roaming, record.bytes_down) == (90.0, 1234.5, False, 0)
    assert record.record_id.startswith("map-")


def test_values_units_and_what_stands_for_an_empty_cell() -> None:
    assert call(Typ="S", Richtung="in", Dauer="").service == "sms"
    assert call(Richtung="in").direction == "mt"
    assert call(Richtung="sideways").direction == "mo"
    assert call(Dauer="00:02:00").duration_s == 120.0
    assert call(Volumen="1,5", Einheit="KiB").bytes_down == 1536
    assert call(Volumen="2000").bytes_down == 2000
    assert call(Ausland="ja").roaming
    assert call(Trunk="TG-NEW").peer_operator == "unknown"


def test_zones_may_be_mixed_and_tell_the_hour_that_comes_twice() -> None:
    assert call(Zone="Asia/Shanghai").ts_ms == ms("2026-03-02T10:00:00+08:00")
    assert call(Zone="-05:00").ts_ms == ms("2026-03-02T10:00:00-05:00")
    twice = {"Datum": "25.10.2026", "Zeit": "02:30:00"}
    assert call(**twice).ts_ms == ms("2026-10-25T02:30:00+02:00"), "nothing tells: the first one"
    assert call(**twice, Zone="+01:00").ts_ms == ms("2026-10-25T02:30:00+01:00")


def test_rows_of_another_kind_are_left_out() -> None:
    assert calls(reader(), HEADER, row(Typ="D"), row(Typ="")) == []


def test_a_resent_row_has_the_same_id() -> None:
    assert call().record_id == call().record_id != call(Zeit="10:00:01").record_id


@pytest.mark.parametrize(
    ("cells", "expected", "detail"),
    [
        ({"Zeit": "25:00:00"}, "wrong_type", "column 'Datum' and 'Zeit': no time as '%d.%m.%Y %H:%M:%S'"),
        ({"Typ": "X"}, "wrong_type", "column 'Typ': a value that is not in its table"),
        ({"Dauer": "long"}, "wrong_type", "column 'Dauer': is no number"),
        ({"Volumen": "1", "Einheit": "bushel"}, "wrong_type", "column 'Volumen': has a unit that is none of"),
        ({"Zone": "Atlantis"}, "wrong_type", "zone column"),
        ({"Ausland": "maybe"}, "wrong_type", "column 'Ausland': neither true nor false"),
        ({"Kunde": ""}, "missing_field", "column 'Kunde': empty, and account_id has no otherwise"),
        ({"Preis": "-1"}, "out_of_range", "charge"),
        ({"Datum": "02.03.2031"}, "from_the_future", "clock"),
        ({"Kunde": "a;b"}, "missing_field", "15 columns, 14 expected"),
    ],
)
def test_a_row_that_is_none_is_refused_with_its_column(cells: dict[str, str], expected: str, detail: str) -> None:
    (value,) = reader().read([row(**cells)], 1).values
    refused = msgspec.json.decode(value, type=DeadLetter)
    assert (refused.reason.value, refused.file, refused.line) == (expected, "calls.csv", 2)
    assert detail in refused.detail


def test_a_wrong_column_is_named_with_the_line_of_the_map_and_the_header_of_the_file() -> None:
    message = refusal(CALLS.replace('column = "Dauer"', 'column = "Sekunden"'))
    line = CALLS[: CALLS.index("[fields.duration_s]")].count("\n") + 1
    assert f"my.toml, line {line}: [fields.duration_s] asks for the column 'Sekunden'" in message
    assert "calls.csv does not have; its header in line 1: Datum, Zeit" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('unit = "min"', 'unit = "fortnight"', "[fields.duration_s] has the unit 'fortnight'; it may be"),
        ('column = "Kunde"', 'column = "Kunde"\nunit = "s"', "only durations and volumes have one"),
        ("[fields.charge]", "[fields.price]", "[fields.price] is no field of cdr; it has: record_id, ts_ms"),
        ('[fields.account_id]\ncolumn = "Kunde"', "", "cdr needs also [fields.account_id]"),
        ('column = "Kunde"', 'column = "Kunde"\nconstant = "x"', "needs exactly one of column, columns, constant"),
        (
            'column = "Kunde"',
            'colum = "Kunde"',
            "[fields.account_id]: Object contains unknown field `colum`; the keys are column, columns",
        ),
        ('column = "Kunde"', 'column = "Kunde"\nas = "acount"', "`$.as`; it may be text, integer"),
        ('V = "voice"', 'V = "telephony"', "'telephony': Invalid enum value 'telephony'; it may be voice, sms, data"),
        ('zone = "Europe/Berlin"', 'zone = "Europe/Berlino"', "there is no time zone 'Europe/Berlino'"),
        ('delimiter = ";"', 'delimiter = ";;"', "one sign each"),
        ('stream = "cdr"', 'stream = "calls"', "`$.stream`; it may be customers, orders, care, billing, cdr, outcomes"),
        ('stream = "cdr"', 'stream = "cdr"\nencoding = "utf-16"', "encoding 'utf-16' is none of"),
        ('Typ = ["V"', 'Art = ["V"', "only asks for the column 'Art'"),
        ("[fields.charge]", "[fields.charge", "my.toml: "),
    ],
)
def test_a_wrong_map_is_refused_with_what_may_stand_there(old: str, new: str, message: str) -> None:
    assert old in CALLS
    assert message in refusal(CALLS.replace(old, new))


def test_a_file_without_a_header_and_a_map_that_is_not_there_are_named(tmp_path: Path) -> None:
    assert "calls.csv, line 1: no header" in refusal(CALLS, b"")
    with pytest.raises(FieldMapError, match=r"cannot read the field map .*none\.toml"):
        read_field_map(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'stream = "cdr" # \xe9')
    with pytest.raises(FieldMapError, match="is not UTF-8"):
        read_field_map(tmp_path / "latin.toml")


BILLS = """
stream = "billing"
encoding = "gb18030"
skip_lines = 1
fields.record_id = {column = "账单"}
fields.ts_ms = {column = "秒", time = "epoch_s"}
fields.account_id = {column = "客户"}
fields.kind = {constant = "invoice"}
fields.amount = {column = "金额"}
"""


def test_another_stream_encoding_and_preamble_are_read() -> None:
    lines = ["导出 2026", "账单,秒,客户,金额", 'b1,1772416805,甲,"1,234.5"']
    head = [line.encode("gb18030") for line in lines]
    source = mapped_csv("bills.csv", check_field_map("bills.toml", BILLS), surroundings(), head[:2])
    (record,) = records(source, *head)
    assert isinstance(record, BillingRecord)
    assert (record.record_id, record.ts_ms, record.account_id, record.amount) == ("b1", 1_772_416_805_000, "甲", 1234.5)


CUSTOMERS = """
stream = "customers"
columns = ["id", "star", "numbers", "call", "arpu", "since"]
fields.ts_ms = {constant = 1772416805000}
fields.account_id = {column = "id"}
fields.segment = {constant = "business"}
fields.star = {column = "star"}
fields.region = {constant = "north"}
fields.lines = {column = "numbers", separator = "|"}
fields."consent.call" = {column = "call"}
fields."indicators.arpu" = {column = "arpu"}
fields.tenure_start_ms = {column = "since"}
"""


def test_lists_consent_and_indicators_have_their_place() -> None:
    source = mapped_csv("customers.csv", check_field_map("c.toml", CUSTOMERS), surroundings(), [])
    (record,) = records(source, f"ACME,4,+{OWN}| +{RIVAL},yes,12.5,1999-05-01".encode())
    assert isinstance(record, CustomerRecord)
    assert record.lines == [line_of(OWN), line_of(RIVAL)]
    assert (record.star, record.consent.call, record.consent.sms) == (4, True, False)
    assert record.indicators == {"arpu": 12.5}
    assert record.tenure_start_ms == ms("1999-05-01T00:00:00+08:00")


def test_ids_that_are_no_numbers_become_pseudonyms_too() -> None:
    assert call(A="user-17").line_id == pseudonym("user-17")


def test_a_last_row_is_whole_where_the_map_or_a_closing_quote_says_so() -> None:
    assert not reader().is_whole(row())
    assert reader("complete = true\n" + CALLS).is_whole(row())
    quoted = row(Ausland='"nein"')
    assert reader().is_whole(quoted)
    assert not reader().is_whole(quoted[:-1])


def test_the_rows_before_and_in_the_header_are_no_records_and_bad_bytes_are_refused() -> None:
    assert reader().read([HEADER], 0).blank_lines == 1
    source = mapped_csv("mails.csv", check_field_map("my.toml", ONE_COLUMN), surroundings(), [])
    assert reason(source, b"\xff\xfe") == "not_utf8"


ONE_COLUMN = """
stream = "care"
columns = ["x"]
fields.ts_ms = {column = "x"}
fields.account_id = {constant = "a"}
fields.kind = {constant = "complaint"}
fields.severity = {constant = 3}
fields.channel = {constant = "mail"}
"""

cells = st.text(max_size=12) | st.sampled_from([OWN, "1,5", "25.10.2026", "02:30:00", "S", '"', "+99:99", "inf", "nan"])


@given(
    st.lists(st.binary(max_size=50) | st.dictionaries(st.sampled_from(sorted(CELLS)), cells, max_size=5), max_size=4)
)
def test_no_input_brings_the_reader_down(inputs: list[bytes | dict[str, str]]) -> None:
    lines = [each if isinstance(each, bytes) else row(**each) for each in inputs]
    lines = [HEADER, *(line.replace(b"\n", b" ") for line in lines)]
    check_contract(reader().read(lines, 0), lines)


@given(st.text(max_size=60) | st.sampled_from(CALLS.splitlines()).map(lambda line: CALLS.replace(line, "x = 1")))
def test_no_text_brings_the_reader_of_maps_down(text: str) -> None:
    with contextlib.suppress(FieldMapError):
        reader(text)
