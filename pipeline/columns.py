"""A block of raw records -> columns and refusals.

Call records become numpy columns, since there are thousands a block; the five thin streams stay records. A record that
cannot be taken becomes a `Refused` with its offset and its raw bytes, and the rest of the block goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, cast

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

from pipeline.events import CallDetailRecord, CustomerRecord, Record, RefusalReason, Stream
from pipeline.kinds import NOT_A_RIVAL, KindKey, KindTable
from pipeline.refusals import MAX_RECORD_BYTES, Refusal, decode_record

DAY_MS = 86_400_000

_CDR_LINES = msgspec.json.Decoder(CallDetailRecord)
_FIELDS = attrgetter("record_id", "line_id", "account_id", "ts_ms", "received_ms", "duration_s", "charge")
_KIND_FIELDS = attrgetter("service", "direction", "peer_operator", "peer_kind", "roaming", "forward_to_operator")


@dataclass(frozen=True, slots=True)
class Accept:
    """What times a record may have, relative to when it was received."""

    retention_ms: int = 90 * DAY_MS
    future_ms: int = DAY_MS
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
    `record_hash` is xxh3_64 of the record id; `session_hash` likewise, 0 where the record is no part of a session;
    `kind` indexes the rows of a `KindTable`.
    """

    line_ids: list[str]
    account_ids: list[str]
    offset: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    received_ms: NDArray[np.int64]
    duration_s: NDArray[np.float64]
    megabytes: NDArray[np.float64]
    charge: NDArray[np.float64]
    kind: NDArray[np.int32]
    record_hash: NDArray[np.uint64]
    session_hash: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.line_ids)

    def part(self, start: int, stop: int) -> "CdrColumns":
        """Rows `start` to `stop` (arrays are views)."""
        cut = slice(start, stop)
        return CdrColumns(*(getattr(self, name)[cut] for name in self.__dataclass_fields__))

    def rows(self, places: NDArray[np.int64]) -> "CdrColumns":
        """The rows at these places, in their order."""
        picked = places.tolist()
        arrays = [getattr(self, name)[places] for name in list(self.__dataclass_fields__)[2:]]
        return CdrColumns([self.line_ids[row] for row in picked], [self.account_ids[row] for row in picked], *arrays)


@dataclass(frozen=True, slots=True)
class ThinRecord:
    """One record of a thin stream with what orders it."""

    stream: Stream
    offset: int
    received_ms: int
    record: Record


@dataclass(frozen=True, slots=True)
class RawBlock:
    """Raw records of one partition of one topic, oldest first."""

    offsets: Sequence[int]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]

    def __len__(self) -> int:
        return len(self.values)


def concat(parts: Sequence[CdrColumns]) -> CdrColumns:
    """Several column sets as one, in the given order."""
    if len(parts) == 1:
        return parts[0]
    lists = ("line_ids", "account_ids")
    joined: list[Any] = []
    for name in CdrColumns.__dataclass_fields__:
        pieces = [getattr(part, name) for part in parts]
        joined.append([item for piece in pieces for item in piece] if name in lists else np.concatenate(pieces))
    return CdrColumns(*joined)


def decode_cdr(block: RawBlock, kinds: KindTable, accept: Accept) -> tuple[CdrColumns, list[Refused]]:
    """Columns of the good call records of a block, and its refusals."""
    refused: list[Refused] = []
    good = _decode_joined(block.values, accept.max_bytes)
    offsets: Sequence[int] = block.offsets
    if good is None or not _keys_match(block.keys, good):
        pairs = list(_decode_singly(Stream.CDR, block, accept.max_bytes, refused))
        offsets = [offset for offset, _ in pairs]
        good = [cast(CallDetailRecord, record) for _, record in pairs]
    columns = _columns(good, offsets, kinds)
    return _drop_untimely(columns, block, accept, refused), refused


def decode_thin(stream: Stream, block: RawBlock, accept: Accept) -> tuple[list[ThinRecord], list[Refused]]:
    """Records of a thin stream, and its refusals."""
    refused: list[Refused] = []
    taken = []
    for offset, record in _decode_singly(stream, block, accept.max_bytes, refused):
        received = record.ts_ms if record.received_ms is None else record.received_ms
        reason = _untimely(record.ts_ms, received, accept) if not isinstance(record, CustomerRecord) else None
        if reason is None:
            taken.append(ThinRecord(stream, offset, received, record))
        else:
            raw = block.values[list(block.offsets).index(offset)]
            refused.append(Refused(stream, offset, raw or b"", Refusal(reason)))
    return taken, refused


def _decode_joined(values: Sequence[bytes | None], max_bytes: int) -> list[CallDetailRecord] | None:
    """All records in one call of the decoder, or None when one of them is not good.

    A third faster than one by one. Exactly one record a line is guaranteed: no value holds a line feed (else the
    count is off) and the number of results is the number of values.
    """
    if any(not value or len(value) > max_bytes for value in values):
        return None
    joined = b"\n".join(cast(Sequence[bytes], values))
    if joined.count(b"\n") != len(values) - 1:
        return None
    try:
        records = _CDR_LINES.decode_lines(joined)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return records if len(records) == len(values) else None


def _keys_match(keys: Sequence[bytes | None], records: Sequence[CallDetailRecord]) -> bool:
    return all(key is not None and record.account_id.encode() == key for key, record in zip(keys, records, strict=True))


def _decode_singly(stream: Stream, block: RawBlock, max_bytes: int, refused: list[Refused]) -> list[tuple[int, Record]]:
    taken: list[tuple[int, Record]] = []
    for offset, key, raw in zip(block.offsets, block.keys, block.values, strict=True):
        record = decode_record(stream, raw, max_bytes)
        if not isinstance(record, Refusal) and key != record.account_id.encode():
            record = Refusal(RefusalReason.WRONG_KEY, "the message's key is not the record's account_id")
        if isinstance(record, Refusal):
            refused.append(Refused(stream, offset, raw or b"", record))
        else:
            taken.append((offset, record))
    return taken


def _columns(records: Sequence[CallDetailRecord], offsets: Sequence[int], kinds: KindTable) -> CdrColumns:
    if not records:
        return empty_cdr()
    record_ids, line_ids, account_ids, ts, received, duration, charge = zip(*map(_FIELDS, records), strict=True)
    happened = np.array(ts, np.int64)
    hashed = xxhash.xxh3_64_intdigest
    return CdrColumns(
        line_ids=list(line_ids),
        account_ids=list(account_ids),
        offset=np.array(offsets, np.int64),
        ts_ms=happened,
        received_ms=_filled(received, happened),
        duration_s=np.array(duration, np.float64),
        megabytes=np.array([record.bytes_up + record.bytes_down for record in records], np.float64) / 1e6,
        charge=np.array(charge, np.float64),
        kind=_kind_codes(records, kinds),
        record_hash=np.array([hashed(record_id.encode()) for record_id in record_ids], np.uint64),
        session_hash=np.array([_session_hash(record) for record in records], np.uint64),
    )


def _filled(received: tuple[int | None, ...], happened: NDArray[np.int64]) -> NDArray[np.int64]:
    if None not in received:
        return np.array(received, np.int64)
    return np.array([h if r is None else r for r, h in zip(received, happened.tolist(), strict=True)], np.int64)


def _kind_codes(records: Sequence[CallDetailRecord], kinds: KindTable) -> NDArray[np.int32]:
    codes = kinds.codes
    keys = [_kind_key(fields) for fields in map(_KIND_FIELDS, records)]
    try:
        return np.array([codes[key] for key in keys], np.int32)
    except KeyError:
        return np.array([kinds.code(key) for key in keys], np.int32)


def _kind_key(fields: tuple[Any, ...]) -> KindKey:
    forward_to = fields[5]
    if forward_to is None:
        return (fields[0], fields[1], fields[2], fields[3], fields[4], False)
    return (fields[0], fields[1], fields[2], fields[3], fields[4], forward_to not in NOT_A_RIVAL)


def _session_hash(record: CallDetailRecord) -> int:
    if record.session_id is None:
        return 0
    return xxhash.xxh3_64_intdigest(f"{record.line_id}\x00{record.session_id}".encode(), seed=1)


def _drop_untimely(columns: CdrColumns, block: RawBlock, accept: Accept, refused: list[Refused]) -> CdrColumns:
    lateness = columns.received_ms - columns.ts_ms
    bad = (lateness > accept.retention_ms) | (lateness < -accept.future_ms)
    if not bad.any():
        return columns
    raw_at = dict(zip(block.offsets, block.values, strict=True))
    for row in np.flatnonzero(bad).tolist():
        reason = RefusalReason.TOO_OLD if lateness[row] > 0 else RefusalReason.FROM_THE_FUTURE
        offset = int(columns.offset[row])
        refused.append(Refused(Stream.CDR, offset, raw_at[offset] or b"", Refusal(reason)))
    keep = np.flatnonzero(~bad)
    return columns.rows(keep)


def _untimely(ts_ms: int, received_ms: int, accept: Accept) -> RefusalReason | None:
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
    return CdrColumns([], [], ints, ints, ints, floats, floats, floats, np.zeros(0, np.int32), hashes, hashes)
