"""Feature vectors of one sampled day, waiting for their labels: compact columns and their bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.state.id_rows import IdRows

FLOAT32_LIMIT = 1e30
PAGE_BYTES_MAX = 400_000


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows of one day, sorted by line. `features` is (n_rows, n_features) float32, NaN = missing.

    `weight`: 1 / sampled share.
    """

    snapshot_ms: int
    weight: float
    line_ids: tuple[str, ...]
    account_ids: tuple[str, ...]
    features: NDArray[np.float32]
    feature_schema: str

    def rows(self, positions: Sequence[int]) -> "Segment":
        """Only these rows, in the same order."""
        return Segment(
            self.snapshot_ms,
            self.weight,
            tuple(self.line_ids[i] for i in positions),
            tuple(self.account_ids[i] for i in positions),
            self.features[list(positions)],
            self.feature_schema,
        )


class SegmentPage(msgspec.Struct, array_like=True):
    """A part of a segment as it is stored."""

    snapshot_ms: int
    weight: float
    feature_schema: str
    line_ids: tuple[str, ...]
    account_ids: tuple[str, ...]
    features: bytes


def stable_hashes(line_ids: Sequence[str]) -> NDArray[np.uint64]:
    """A hash of each id that is the same in every process and release, well mixed in all its bits.

    CRC-32 (0.2 us a line) spreads similar ids; the multiplication mixes upwards (Knuth, The Art of Computer
    Programming, volume 3, section 6.4).
    """
    if isinstance(line_ids, IdRows):
        codes = line_ids.crc32()
    else:
        codes = np.fromiter(map(crc32, map(str.encode, line_ids)), dtype=np.uint64, count=len(line_ids))
    codes *= np.uint64(0x9E3779B97F4A7C15)
    return codes >> np.uint64(16)


def sampled(hashes: NDArray[np.uint64], day: int, every_days: int, rows_max: int) -> tuple[NDArray[np.intp], float]:
    """Positions of the lines whose turn it is on this day, and the weight that each of them carries.

    When more than `rows_max` have their turn, only a share 1/2, 1/4, ... of the hash space is kept, so that the same
    lines stay in the sample from one turn to the next.
    """
    every, turn = np.uint64(every_days), np.uint64(day % every_days)
    positions = np.flatnonzero(hashes % every == turn)
    thinning = 0
    while len(positions) > rows_max << thinning:
        thinning += 1
    kept = positions[(hashes[positions] >> np.uint64(20)) % np.uint64(1 << thinning) == 0]
    return kept, float(1 << thinning)


def proof_days(hashes: NDArray[np.uint64], day: int, horizon_days: int) -> NDArray[np.int64]:
    """After how many days each line of this day's snapshot counts as a stayer: 1 to `horizon_days`, each as likely.

    A hash of line and day decides, nothing that a line does (mixing: Steele et al., SplitMix, 2014).
    """
    mixed = hashes ^ np.uint64(day * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed >> np.uint64(33)) % np.uint64(horizon_days)).astype(np.int64) + 1


def as_float32(features: NDArray[np.float64]) -> NDArray[np.float32]:
    """Features in half the space; infinities are clipped and every NaN has the same bits.

    >>> as_float32(np.array([[np.inf, np.nan, 1.5]]))
    array([[1.0e+30,     nan, 1.5e+00]], dtype=float32)
    """
    clipped = np.clip(features, -FLOAT32_LIMIT, FLOAT32_LIMIT)
    return np.where(np.isnan(clipped), np.nan, clipped).astype(np.float32)


def example_id(line_id: str, snapshot_ms: int, feature_schema: str) -> str:
    """Deterministic id: the same snapshot has the same id in every run."""
    return blake2b(f"{line_id}|{snapshot_ms}|{feature_schema}".encode(), digest_size=12).hexdigest()


def encode_segment(segment: Segment) -> Iterator[bytes]:
    """The pages of a segment, none above about `PAGE_BYTES_MAX` (a Kafka message holds 1 MB by default)."""
    row_bytes = segment.features.shape[1] * 4 + 80
    step = max(1, PAGE_BYTES_MAX // row_bytes)
    for start in range(0, len(segment.line_ids), step):
        part = slice(start, start + step)
        yield msgspec.msgpack.encode(
            SegmentPage(
                segment.snapshot_ms,
                segment.weight,
                segment.feature_schema,
                segment.line_ids[part],
                segment.account_ids[part],
                segment.features[part].astype("<f4").tobytes(),
            )
        )


def decode_segment(pages: Sequence[bytes]) -> Segment:
    """One segment from its pages, in order.

    Raises:
        msgspec.DecodeError: a page is not ours.
    """
    parts = [msgspec.msgpack.decode(page, type=SegmentPage) for page in pages]
    matrices = [np.frombuffer(part.features, "<f4").reshape(len(part.line_ids), -1) for part in parts]
    return Segment(
        parts[0].snapshot_ms,
        parts[0].weight,
        tuple(line_id for part in parts for line_id in part.line_ids),
        tuple(account_id for part in parts for account_id in part.account_ids),
        np.concatenate(matrices).astype(np.float32),
        parts[0].feature_schema,
    )
