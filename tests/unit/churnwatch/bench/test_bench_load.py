"""The synthetic load is what the benches say it is."""

from collections import Counter

import msgspec
import pytest

from churnwatch.bench.load import MIDNIGHT_MS, CallLoad, account_id, blocks_of, line_id
from pipeline.columns import Accept, decode_cdr
from pipeline.events import CallDetailRecord
from pipeline.kinds import KindTable
from pipeline.partitioning import partition_of

RECORD = msgspec.json.Decoder(CallDetailRecord)


def test_every_record_keeps_the_contract_and_is_about_280_bytes_long() -> None:
    pairs = list(CallLoad(1000, 5000).pairs())
    records = [RECORD.decode(value) for _, value in pairs]
    assert all(record.account_id.encode() == key for record, (key, _) in zip(records, pairs, strict=True))
    assert len({record.record_id for record in records}) == 5000
    assert 270 < sum(len(value) for _, value in pairs) / 5000 < 310
    assert {record.service for record in records} == {"voice", "sms", "data"}


def test_lines_are_drawn_uniformly_or_in_turn() -> None:
    drawn = Counter(key for key, _ in CallLoad(100, 20_000).pairs())
    assert len(drawn) == 100
    assert max(drawn.values()) < 2 * min(drawn.values())
    in_turn = [RECORD.decode(value).line_id for _, value in CallLoad(300, 300, in_turn=True).pairs()]
    assert in_turn == [line_id(line) for line in range(300)]


def test_times_go_by_the_rate_of_a_line_and_midnight_lies_where_it_should() -> None:
    load = CallLoad(1000, 50_000, per_line_day=25.0, midnight_at=0.25)
    times = [RECORD.decode(value).ts_ms for _, value in load.pairs()]
    assert times == sorted(times)
    assert (times[-1] - times[0]) / 86_400_000 == pytest.approx(2.0, rel=0.01)
    assert sum(time < MIDNIGHT_MS for time in times) / len(times) == pytest.approx(0.25, abs=0.01)


def test_a_second_load_goes_on_with_other_ids() -> None:
    first, second = CallLoad(100, 500), CallLoad(100, 500, first_record=500)
    ids = [RECORD.decode(value).record_id for load in (first, second) for _, value in load.pairs()]
    assert len(set(ids)) == 1000


def test_blocks_hold_each_record_once_in_the_partition_of_its_key() -> None:
    blocks = blocks_of(CallLoad(200, 3000), 4, 100)
    assert sum(len(block) for _, block in blocks) == 3000
    for partition, block in blocks:
        assert {partition_of(key, 4) for key in block.keys or () if key is not None} == {partition}
        columns, refused = decode_cdr(block, KindTable(), Accept())
        assert (len(columns), refused) == (len(block), [])


@pytest.mark.parametrize(("lines", "records"), [(0, 5), (5, 0)])
def test_an_empty_load_is_refused(lines: int, records: int) -> None:
    with pytest.raises(ValueError, match="at least one line"):
        CallLoad(lines, records)


def test_accounts_and_lines_have_ids_of_their_own() -> None:
    assert len({account_id(line) for line in range(1000)} | {line_id(line) for line in range(1000)}) == 2000
    assert len(line_id(7)) == 35
