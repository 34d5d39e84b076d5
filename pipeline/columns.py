"""A block of raw records -> columns and refusals.

Call records become numpy columns, since there are thousands a block; the five thin streams stay records. A record that
cannot be taken becomes a `Refused` with its offset and its raw bytes, and the rest of the block goes on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, cast

import msgspec
import numpy as np
import xxhash
from msgspec.structs import astuple
from numpy.typing import NDArray

from pipeline.events import CallDetailRecord, CustomerRecord, Record, RefusalReason, Stream
from pipeline.id_column import Ids, joined, picked
from pipeline.kinds import NOT_A_RIVAL, KindTable
from pipeline.refusals import MAX_RECORD_BYTES, UNREADABLE, Refusal, decode_record

DAY_MS = 86_400_000

#: Records decoded at once. Their objects stay in the cache and below the garbage collector's threshold: 1.6 us a record
#: against 2.5 us with a whole fetch of 3500.
CHUNK_RECORDS = 512
#: So few records are decoded one by one when one of them is not good.
CLOSE_LOOK_RECORDS = 32

#: No time is later than this.
LAST_MS = 1 << 62
LINE_FEED, OPEN, CLOSE = b"\n{}"
_CDR_LINES = msgspec.json.Decoder(CallDetailRecord)
_KIND_FIELDS = ("service", "direction", "peer_operator", "peer_kind", "roaming")
_hashed = xxhash.xxh3_64_intdigest


@dataclass(frozen=True, slots=True)
class Accept:
    """What times a record may have, relative to when it was received.

    `clock_ms`: how far a reception may be ahead of the record's arrival in Kafka. Receptions move stream time, so that one
    record of next year would make everybody silent.
    """

    retention_ms: int = 90 * DAY_MS
    future_ms: int = DAY_MS
    clock_ms: int = DAY_MS
    max_bytes: int = MAX_RECORD_BYTES


@dataclass(frozen=True, slots=True)
class Refused:
    """One record that was not taken, where it stood, and its raw bytes."""

    stream: Stream
    offset: int
    raw: bytes
    refusal: Refusal
    partition: int = 0


@dataclass(frozen=True, slots=True)
class CdrColumns:
    """Call records as columns of equal length n, in the order of the topic.

    `received_ms` is the time that merges streams (the record's own, or `ts_ms`); `offset` is the position in the topic;
    `line_hash` and `record_hash` are xxh3_64 of the ids; `session_hash` likewise, 0 where the record is no part of a session;
    `kind` indexes the rows of a `KindTable`.
    """

    line_ids: Ids
    account_ids: Ids
    offset: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    received_ms: NDArray[np.int64]
    duration_s: NDArray[np.float64]
    megabytes: NDArray[np.float64]
    charge: NDArray[np.float64]
    kind: NDArray[np.int32]
    line_hash: NDArray[np.uint64]
    record_hash: NDArray[np.uint64]
    session_hash: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.offset)

    def part(self, start: int, stop: int) -> "CdrColumns":
        """Rows `start` to `stop` (arrays are views)."""
        cut = slice(start, stop)
        return CdrColumns(*(getattr(self, name)[cut] for name in self.__dataclass_fields__))

    def rows(self, places: NDArray[np.int64]) -> "CdrColumns":
        """The rows at these places, in their order."""
        arrays = [getattr(self, name)[places] for name in list(self.__dataclass_fields__)[2:]]
        return CdrColumns(picked(self.line_ids, places), picked(self.account_ids, places), *arrays)


@dataclass(frozen=True, slots=True)
class ThinRecord:
    """One record of a thin stream with what orders it."""

    stream: Stream
    offset: int
    received_ms: int
    record: Record


@dataclass(frozen=True, slots=True)
class RawBlock:
    """Raw records of one partition of one topic, oldest first.

    From a file they have no `keys`, and no `arrived_ms`: the time in the log of the newest record.
    """

    offsets: Sequence[int]
    keys: Sequence[bytes | None] | None
    values: Sequence[bytes | None]
    arrived_ms: int | None = None

    def __len__(self) -> int:
        return len(self.values)

    def part(self, start: int, stop: int) -> "RawBlock":
        """Records `start` to `stop`."""
        keys = None if self.keys is None else self.keys[start:stop]
        return RawBlock(self.offsets[start:stop], keys, self.values[start:stop], self.arrived_ms)

    def latest_reception_ms(self, accept: Accept) -> int:
        """A reception after this is one of the future."""
        return LAST_MS if self.arrived_ms is None else self.arrived_ms + accept.clock_ms


def concat(parts: Sequence[CdrColumns]) -> CdrColumns:
    """Several column sets as one, in the given order."""
    if len(parts) == 1:
        return parts[0]
    ids = ("line_ids", "account_ids")
    columns: list[Any] = []
    for name in CdrColumns.__dataclass_fields__:
        pieces = [getattr(part, name) for part in parts]
        columns.append(joined(pieces) if name in ids else np.concatenate(pieces))
    return CdrColumns(*columns)


def decode_cdr(block: RawBlock, kinds: KindTable, accept: Accept) -> tuple[CdrColumns, list[Refused]]:
    """Columns of the good call records of a block, and its refusals."""
    refused: list[Refused] = []
    parts = []
    for start in range(0, len(block), CHUNK_RECORDS):
        good, offsets = _decode_around(block.part(start, start + CHUNK_RECORDS), accept.max_bytes, refused)
        parts.append(_columns(good, offsets, kinds))
    columns = concat(parts) if parts else empty_cdr()

    def raw_of(offset: int) -> bytes:
        return block.values[list(block.offsets).index(offset)] or b""

    return drop_untimely(columns, raw_of, block.latest_reception_ms(accept), accept, refused), refused


def decode_thin(stream: Stream, block: RawBlock, accept: Accept) -> tuple[list[ThinRecord], list[Refused]]:
    """Records of a thin stream, and its refusals."""
    refused: list[Refused] = []
    taken = []
    for offset, record in _decode_singly(stream, block, accept.max_bytes, refused):
        received = record.ts_ms if record.received_ms is None else record.received_ms
        # Reference data tells of things long past: only its reception must be possible.
        happened = received if isinstance(record, CustomerRecord) else record.ts_ms
        reason = _untimely(happened, received, accept, block.latest_reception_ms(accept))
        if reason is None:
            taken.append(ThinRecord(stream, offset, received, record))
        else:
            raw = block.values[list(block.offsets).index(offset)]
            refused.append(Refused(stream, offset, raw or b"", Refusal(reason)))
    return taken, refused


def _decode_around(
    block: RawBlock, max_bytes: int, refused: list[Refused]
) -> tuple[Sequence[CallDetailRecord], Sequence[int]]:
    """Good records and their offsets. A block with a bad one is decoded by halves, so that its neighbours stay quick."""
    good = _decode_joined(block.values, max_bytes)
    if good is not None and _keys_match(block.keys, good):
        return good, block.offsets
    if len(block) <= CLOSE_LOOK_RECORDS:
        pairs = _decode_singly(Stream.CDR, block, max_bytes, refused)
        return [cast(CallDetailRecord, record) for _, record in pairs], [offset for offset, _ in pairs]
    half = len(block) // 2
    records, offsets = _decode_around(block.part(0, half), max_bytes, refused)
    more_records, more_offsets = _decode_around(block.part(half, len(block)), max_bytes, refused)
    return [*records, *more_records], [*offsets, *more_offsets]


def _decode_joined(values: Sequence[bytes | None], max_bytes: int) -> list[CallDetailRecord] | None:
    """All records in one call of the decoder, or None when one of them is not good.

    A third faster than one by one. The decoder minds neither two records on a line nor one over two lines, so one record a
    value is guaranteed in two steps. Each value begins with `{`, ends with `}` and holds no line feed: JSON allows `}`, line
    feed, `{` only between records, so that each value is one record or several. Then the number of results is the number of
    values.
    """
    try:
        joined = b"\n".join(cast(Sequence[bytes], values))
    except TypeError:
        return None
    if not joined.startswith(b"{") or not joined.endswith(b"}") or not _is_one_a_line(joined, len(values)):
        return None
    if max(map(len, values)) > max_bytes:  # type: ignore[arg-type]  # joined: all bytes
        return None
    try:
        records = _CDR_LINES.decode_lines(joined)
    except UNREADABLE:
        return None
    return records if len(records) == len(values) else None


def _is_one_a_line(joined: bytes, values: int) -> bool:
    """Whether there are no line feeds but those between values, each after `}` and before `{`; a tenth of `bytes.count`."""
    text = np.frombuffer(joined, np.uint8)
    feeds = np.flatnonzero(text == LINE_FEED)
    if len(feeds) != values - 1:
        return False
    return bool((text[feeds - 1] == CLOSE).all() and (text[feeds + 1] == OPEN).all())


def _keys_match(keys: Sequence[bytes | None] | None, records: Sequence[CallDetailRecord]) -> bool:
    return keys is None or [record.account_id.encode() for record in records] == list(keys)


def _decode_singly(stream: Stream, block: RawBlock, max_bytes: int, refused: list[Refused]) -> list[tuple[int, Record]]:
    taken: list[tuple[int, Record]] = []
    for place, (offset, raw) in enumerate(zip(block.offsets, block.values, strict=True)):
        record = decode_record(stream, raw, max_bytes)
        if block.keys and not isinstance(record, Refusal) and block.keys[place] != record.account_id.encode():
            record = Refusal(RefusalReason.WRONG_KEY, "the message's key is not the record's account_id")
        if isinstance(record, Refusal):
            refused.append(Refused(stream, offset, raw or b"", record))
        else:
            taken.append((offset, record))
    return taken


def _columns(records: Sequence[CallDetailRecord], offsets: Sequence[int], kinds: KindTable) -> CdrColumns:
    if not records:
        return empty_cdr()
    # One pass over the records, then only passes in C: a loop in Python costs 0.1 us a record and column.
    fields = dict(zip(CallDetailRecord.__struct_fields__, zip(*map(astuple, records), strict=True), strict=True))
    happened = np.array(fields["ts_ms"], np.int64)
    volume = np.array(fields["bytes_up"], np.int64) + np.array(fields["bytes_down"], np.int64)
    return CdrColumns(
        line_ids=list(fields["line_id"]),
        account_ids=list(fields["account_id"]),
        offset=_places(offsets),
        ts_ms=happened,
        received_ms=_filled(fields["received_ms"], happened),
        duration_s=np.array(fields["duration_s"], np.float64),
        megabytes=volume / 1e6,
        charge=np.array(fields["charge"], np.float64),
        kind=_kind_codes(fields, kinds),
        line_hash=_hashes(fields["line_id"]),
        record_hash=_hashes(fields["record_id"]),
        session_hash=_session_hashes(fields["line_id"], fields["session_id"]),
    )


def _places(offsets: Sequence[int]) -> NDArray[np.int64]:
    if isinstance(offsets, range):
        return np.arange(offsets.start, offsets.stop)
    return np.array(offsets, np.int64)


def _filled(received: tuple[int | None, ...], happened: NDArray[np.int64]) -> NDArray[np.int64]:
    if received.count(None) == len(received):
        return happened
    if None not in received:
        return np.array(received, np.int64)
    return np.array([h if r is None else r for r, h in zip(received, happened.tolist(), strict=True)], np.int64)


def _kind_codes(fields: Mapping[str, tuple[Any, ...]], kinds: KindTable) -> NDArray[np.int32]:
    forwarded: Iterable[bool] = repeat(False)
    if fields["forward_to_operator"].count(None) != len(fields["roaming"]):
        forwarded = [rival is not None and rival not in NOT_A_RIVAL for rival in fields["forward_to_operator"]]
    columns = [fields[name] for name in _KIND_FIELDS]
    try:
        return np.fromiter(map(kinds.codes.__getitem__, zip(*columns, forwarded, strict=False)), np.int32)
    except KeyError:
        return np.fromiter(map(kinds.code, zip(*columns, forwarded, strict=False)), np.int32)


def _hashes(ids: tuple[str, ...]) -> NDArray[np.uint64]:
    return np.fromiter(map(_hashed, map(str.encode, ids)), np.uint64, len(ids))


def _session_hashes(line_ids: tuple[str, ...], session_ids: tuple[str | None, ...]) -> NDArray[np.uint64]:
    hashes = np.zeros(len(line_ids), np.uint64)
    if session_ids.count(None) != len(session_ids):
        for row, (line_id, session_id) in enumerate(zip(line_ids, session_ids, strict=True)):
            if session_id is not None:
                hashes[row] = xxhash.xxh3_64_intdigest(f"{line_id}\x00{session_id}".encode(), seed=1)
    return hashes


def drop_untimely(
    columns: CdrColumns,
    raw_of: Callable[[int], bytes],
    latest_reception_ms: int,
    accept: Accept,
    refused: list[Refused],
) -> CdrColumns:
    """The records whose times may be; the others join `refused`, with the raw bytes that stood at their offsets."""
    lateness = columns.received_ms - columns.ts_ms
    too_new = columns.received_ms > latest_reception_ms
    bad = (lateness > accept.retention_ms) | (lateness < -accept.future_ms) | too_new
    if not bad.any():
        return columns
    for row in np.flatnonzero(bad).tolist():
        is_old = lateness[row] > accept.retention_ms and not too_new[row]
        reason = RefusalReason.TOO_OLD if is_old else RefusalReason.FROM_THE_FUTURE
        offset = int(columns.offset[row])
        refused.append(Refused(Stream.CDR, offset, raw_of(offset), Refusal(reason)))
    keep = np.flatnonzero(~bad)
    return columns.rows(keep)


def _untimely(ts_ms: int, received_ms: int, accept: Accept, latest_reception_ms: int) -> RefusalReason | None:
    if received_ms > latest_reception_ms:
        return RefusalReason.FROM_THE_FUTURE
    if received_ms - ts_ms > accept.retention_ms:
        return RefusalReason.TOO_OLD
    if ts_ms - received_ms > accept.future_ms:
        return RefusalReason.FROM_THE_FUTURE
    return None


def empty_cdr() -> CdrColumns:
    """No call records."""
    ints = np.zeros(0, np.int64)
    floats = np.zeros(0, np.float64)
    hashes = np.zeros(0, np.uint64)
    kind = np.zeros(0, np.int32)
    return CdrColumns([], [], ints, ints, ints, floats, floats, floats, kind, hashes, hashes, hashes)
