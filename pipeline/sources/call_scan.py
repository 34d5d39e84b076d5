"""Call records of a stretch of a file, from its bytes to columns in one compiled pass (docs/adr/0048-columns-from-bytes.md).

A replay's process must know of every line when it was received and whose it is, and wants columns of those of its own
partitions. Trusted is only what could not be read in any other way: one flat object a line, of plain tokens. Each line is one of

- `odd`: not even its place is sure; the JSON decoder reads it,
- ours and plain, every field within the contract: a row of `CallRows`,
- ours and not that plain (`closer`): a word that no accepted record had, a field that is missing, of another type, or there
  twice; the decoder reads it too,
- another's: only its times and its account count.
"""

from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray

from pipeline.columns import CdrColumns
from pipeline.compiled import compiled, inlined
from pipeline.id_column import IdColumn
from pipeline.partitioning import MULTIPLIER, POSITIVE, SEED, SHIFT
from pipeline.sources.call_fields import (
    ACCOUNT_ID,
    BYTES_DOWN,
    BYTES_UP,
    CHARGE,
    DURATION_S,
    FIELDS,
    KEYS_FORESEEN,
    LINE_ID,
    OTHER,
    PARTIAL_SEQ,
    PEER_ID,
    PLACING,
    RECEIVED_MS,
    RECORD_ID,
    SESSION_ID,
    TS_MS,
    WORDS,
    field_of,
)
from pipeline.sources.combinations import BYTES_MAX, NOWHERE, UNKNOWN, Known, none_known, place_of
from pipeline.sources.files import LINE_FEED
from pipeline.sources.plain_tokens import (
    BEGIN,
    CLOSE,
    COLON,
    COMMA,
    DECIMALS,
    DIGITS,
    END,
    MINUS,
    NINE,
    NONE,
    OPEN,
    QUOTE,
    ZERO,
    Numbers,
    Text,
    literal_stop,
    number_stop,
    skip_space,
    string_stop,
)
from pipeline.words import PADDING, word_at
from pipeline.xxh3 import SIZE_MAX, xxh3_64

#: Limits of ids and times in the contract (`pipeline.events`).
ID_MAX, TIME_MAX = 128, 32_503_680_000_000
VOLUME_MAX = 2**53
TENS = 10.0 ** np.arange(16)
#: What follows a text, so that words of eight bytes can be read at its end.
BEYOND = b"\n" * PADDING


#: What is noted of a line, a row of numbers each; and of a record that became columns.
LINE_NOTES = tuple(range(7))
START, STOP, HAPPENED, RECEIVED, ACCOUNT_HASH, ROW, COMBINATION = LINE_NOTES
RECORD_NOTES = tuple(range(9))
LINE, KIND, VOLUME, LINE_AT, LINE_END, ACCOUNT_AT, ACCOUNT_END, SESSION_AT, SESSION_END = RECORD_NOTES
#: Values of `ROW` of lines that have no row.
ODD, CLOSER, ANOTHERS = -3, -2, -1


@dataclass(frozen=True, slots=True)
class LineScan:
    """Lines of a stretch, each array (n_lines,): from `start` up to `stop` in the text, `ts_ms`, `received_ms` (`ts_ms` where
    there is none), murmur2 of the account's id. Nothing is said of `odd` lines but where they are. `has_columns`: plain and ours;
    `combination`: place of what a `closer` line is about.
    """

    start: Numbers
    stop: Numbers
    ts_ms: Numbers
    received_ms: Numbers
    account_hash: NDArray[np.uint32]
    odd: NDArray[np.bool_]
    has_columns: NDArray[np.bool_]
    combination: Numbers


class CallScanner:
    """Scans stretches; remembers the order of fields and the combinations that were accepted.

    `is_own`: of each partition, whether its records are wanted as columns. Longer lines than `max_bytes` are odd.
    """

    def __init__(self, is_own: NDArray[np.bool_], max_bytes: int) -> None:
        self._is_own = is_own
        self._max_bytes = max_bytes
        self._known = none_known()
        self._order = np.zeros(KEYS_FORESEEN, np.int64)

    def scan(self, text: bytes) -> tuple[LineScan, CdrColumns]:
        """Whole lines, the last of which ends in a line feed, too; offsets are their numbers in the text."""
        array = np.frombuffer(text + BEYOND, np.uint8)
        lines, records, amounts, hashes = _scan(
            array, _count_lines(array, len(text)), self._max_bytes, self._is_own, self._order, self._known
        )
        row = lines[ROW]
        scan = LineScan(
            start=lines[START],
            stop=lines[STOP],
            ts_ms=lines[HAPPENED],
            received_ms=lines[RECEIVED],
            account_hash=lines[ACCOUNT_HASH].astype(np.uint32),
            odd=row == ODD,
            has_columns=row >= 0,
            combination=lines[COMBINATION],
        )
        return scan, _columns(array, scan, records, amounts, hashes)

    def learn(self, combinations: Numbers, kinds: NDArray[np.int32]) -> None:
        """Records with these combinations were accepted and are of these kinds."""
        has_place = combinations != NOWHERE
        self._known[2][combinations[has_place]] = kinds[has_place]


def _columns(
    text: Text, lines: LineScan, records: Numbers, amounts: NDArray[np.float64], hashes: NDArray[np.uint64]
) -> CdrColumns:
    ids, ends = _gathered(text, records)
    line_stop, account_stop = ends[::2], ends[1::2]
    line = records[LINE]
    return CdrColumns(
        line_ids=IdColumn(ids, line_stop - (records[LINE_END] - records[LINE_AT]), line_stop),
        account_ids=IdColumn(ids, line_stop, account_stop),
        offset=line,
        ts_ms=lines.ts_ms[line],
        received_ms=lines.received_ms[line],
        duration_s=amounts[0],
        megabytes=records[VOLUME] / 1e6,
        charge=amounts[1],
        kind=records[KIND].astype(np.int32),
        line_hash=hashes[0],
        record_hash=hashes[1],
        session_hash=_session_hashes(text, records),
    )


def _session_hashes(text: Text, records: Numbers) -> NDArray[np.uint64]:
    hashes = np.zeros(records.shape[1], np.uint64)
    for row in np.flatnonzero(records[SESSION_END]).tolist():
        at, end, session_at, session_end = records[[LINE_AT, LINE_END, SESSION_AT, SESSION_END], row].tolist()
        both = text[at:end].tobytes() + b"\x00" + text[session_at:session_end].tobytes()
        hashes[row] = xxhash.xxh3_64_intdigest(both, seed=1)
    return hashes


@compiled
def _gathered(text: Text, records: Numbers) -> tuple[Text, Numbers]:
    """The ids of line and account of each record, one after the other, and where each ends."""
    n_records = records.shape[1]
    size = (records[LINE_END] - records[LINE_AT] + records[ACCOUNT_END] - records[ACCOUNT_AT]).sum()
    result, ends, at = np.empty(size, np.uint8), np.empty(2 * n_records, np.int64), 0
    for record in range(n_records):
        for begin, end in ((LINE_AT, LINE_END), (ACCOUNT_AT, ACCOUNT_END)):
            for place in range(records[begin, record], records[end, record]):
                result[at] = text[place]
                at += 1
            ends[2 * record + (begin == ACCOUNT_AT)] = at
    return result, ends


@compiled
def _count_lines(text: Text, size: int) -> int:
    count = 0
    for place in range(size):
        count += text[place] == LINE_FEED
    return count


@compiled
def _scan(
    text: Text, n_lines: int, max_bytes: int, is_own: NDArray[np.bool_], order: Numbers, known: Known
) -> tuple[Numbers, Numbers, NDArray[np.float64], NDArray[np.uint64]]:
    """Notes of lines and of records, (n_notes, n); of records also seconds and charge, (2, n), and hashes of line and record."""
    lines = np.zeros((len(LINE_NOTES), n_lines), np.int64)
    records, amounts = np.zeros((len(RECORD_NOTES), n_lines), np.int64), np.empty((2, n_lines), np.float64)
    hashes, codes = np.empty((2, n_lines), np.uint64), known[2]
    words, fields = np.empty(BYTES_MAX + PADDING, np.uint8), np.empty((len(FIELDS), 4), np.int64)
    at, count = 0, 0
    for line in range(n_lines):
        lines[START, line], lines[ROW, line], lines[COMBINATION, line] = at, ODD, NOWHERE
        end = _line(text, at, order, fields)
        if end >= 0 and end - at <= max_bytes and _is_placed(text, fields):
            account = _place(text, lines, line, fields)
            lines[ROW, line] = ANOTHERS
            if is_own[(account & POSITIVE) % len(is_own)]:
                place = lines[COMBINATION, line] = _combination(text, fields, known, words)
                lines[ROW, line] = CLOSER
                if place != NOWHERE and codes[place] != UNKNOWN and _is_record(text, fields):
                    _note(text, records, amounts, hashes, count, fields)
                    records[LINE, count], records[KIND, count] = line, codes[place]
                    lines[ROW, line] = count
                    count += 1
        if end < 0:
            end = at
            while text[end] != LINE_FEED:
                end += 1
        lines[STOP, line], at = end, end + 1
    return lines, records[:, :count], amounts[:, :count], hashes[:, :count]


@compiled
def _line(text: Text, at: int, order: Numbers, fields: Numbers) -> int:
    """End of the line that begins here, -1 where it is odd."""
    fields[:, :DIGITS] = 0
    if text[at] != OPEN:
        return -1
    number = 0
    while True:
        key = skip_space(text, at + 1)
        field, stop = field_of(text, key, order, number)
        at = skip_space(text, stop)
        if stop < 0 or text[at] != COLON:
            return -1
        value = skip_space(text, at + 1)
        if fields[field, BEGIN]:
            if PLACING[field]:
                return -1
            field = OTHER
            fields[OTHER, BEGIN] = 1
        stop = _value(text, value, field, fields)
        if stop < 0:
            return -1
        if field != OTHER:
            fields[field, BEGIN], fields[field, END] = value, stop
        at = skip_space(text, stop)
        number += 1
        if text[at] != COMMA:
            break
    return at + 1 if text[at] == CLOSE and text[at + 1] == LINE_FEED else -1


@inlined
def _value(text: Text, at: int, field: int, fields: Numbers) -> int:
    """Behind the value that begins here; -1 where it is odd."""
    fields[field, DECIMALS] = NONE
    if text[at] == QUOTE:
        return string_stop(text, at)
    if text[at] == MINUS or ZERO <= text[at] <= NINE:
        return number_stop(text, at, fields, field)
    return literal_stop(text, at)


@inlined
def _is_placed(text: Text, fields: Numbers) -> bool:
    """Whether whose the line is and when it happened is plain."""
    is_received = _is_time(RECEIVED_MS, fields) if fields[RECEIVED_MS, BEGIN] else True
    return is_received and _is_time(TS_MS, fields) and _is_id(text, ACCOUNT_ID, ID_MAX, fields)


@inlined
def _is_time(field: int, fields: Numbers) -> bool:
    return bool(fields[field, BEGIN] and fields[field, DECIMALS] == 0 and fields[field, DIGITS] <= TIME_MAX)


@inlined
def _place(text: Text, lines: Numbers, line: int, fields: Numbers) -> int:
    """Note whose the line is, which is returned, and when it happened."""
    lines[HAPPENED, line] = lines[RECEIVED, line] = fields[TS_MS, DIGITS]
    if fields[RECEIVED_MS, BEGIN]:
        lines[RECEIVED, line] = fields[RECEIVED_MS, DIGITS]
    account = np.int64(_murmur2(text, fields[ACCOUNT_ID, BEGIN] + 1, fields[ACCOUNT_ID, END] - 1))
    lines[ACCOUNT_HASH, line] = account
    return int(account)


@inlined
def _is_id(text: Text, field: int, size_max: int, fields: Numbers) -> bool:
    begin, end = fields[field, BEGIN], fields[field, END]
    return bool(begin and text[begin] == QUOTE and 2 < end - begin <= size_max + 2)


@inlined
def _combination(text: Text, fields: Numbers, known: Known, words: Text) -> int:
    """Place of what this record is about; `words` is room for its bytes."""
    size = 0
    for field in WORDS:
        begin, end = fields[field, BEGIN], fields[field, END]
        if size + end - begin + 1 > BYTES_MAX:
            return NOWHERE
        for place in range(begin, end):
            words[size] = text[place]
            size += 1
        words[size] = LINE_FEED
        size += 1
    return place_of(known, words, size)


@inlined
def _is_record(text: Text, fields: Numbers) -> bool:
    """Whether all fields beside those of the combination and of the place are there once and as the contract has them."""
    if fields[OTHER, BEGIN] or not (
        _is_id(text, RECORD_ID, SIZE_MAX, fields) and _is_id(text, LINE_ID, SIZE_MAX, fields)
    ):
        return False
    for field in (DURATION_S, CHARGE):
        if not fields[field, BEGIN] or fields[field, DECIMALS] == NONE:
            return False
    for field in (BYTES_UP, BYTES_DOWN, PARTIAL_SEQ):
        if fields[field, BEGIN] and (fields[field, DECIMALS] != 0 or fields[field, DIGITS] > VOLUME_MAX):
            return False
    if fields[PEER_ID, BEGIN] and text[fields[PEER_ID, BEGIN]] != QUOTE:
        return False
    return not fields[SESSION_ID, BEGIN] or _is_id(text, SESSION_ID, len(text), fields)


@inlined
def _note(
    text: Text,
    records: Numbers,
    amounts: NDArray[np.float64],
    hashes: NDArray[np.uint64],
    record: int,
    fields: Numbers,
) -> None:
    """One record's columns; what fields of other kinds hold is nobody's business."""
    for number, field in ((0, DURATION_S), (1, CHARGE)):
        amounts[number, record] = fields[field, DIGITS] / TENS[fields[field, DECIMALS]]
    for field in (BYTES_UP, BYTES_DOWN):
        if fields[field, BEGIN]:
            records[VOLUME, record] += fields[field, DIGITS]
    for number, field in ((0, LINE_ID), (1, RECORD_ID)):
        hashes[number, record] = xxh3_64(text, fields[field, BEGIN] + 1, fields[field, END] - 1)
    for begin, field in ((LINE_AT, LINE_ID), (ACCOUNT_AT, ACCOUNT_ID), (SESSION_AT, SESSION_ID)):
        if fields[field, BEGIN]:
            records[begin, record], records[begin + 1, record] = fields[field, BEGIN] + 1, fields[field, END] - 1


@inlined
def _murmur2(text: Text, at: int, stop: int) -> np.uint32:
    """`pipeline.partitioning.murmur2` of these bytes."""
    multiplier, size = np.uint32(MULTIPLIER), stop - at
    hashed = np.uint32(SEED) ^ np.uint32(size)
    whole = at + (size & ~3)
    for place in range(at, whole, 4):
        word = np.uint32(np.uint32(word_at(text, place)) * multiplier)
        word = np.uint32((word ^ (word >> np.uint32(SHIFT))) * multiplier)
        hashed = np.uint32(hashed * multiplier) ^ word
    for place in range(whole, stop):
        hashed ^= np.uint32(text[place]) << np.uint32(8 * (place - whole))
    if whole < stop:
        hashed = np.uint32(hashed * multiplier)
    hashed = np.uint32((hashed ^ (hashed >> np.uint32(13))) * multiplier)
    return np.uint32(hashed ^ (hashed >> np.uint32(15)))
