"""Call records for benches: uniform over the lines, about 280 bytes each, as ingest would have written them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.columns import RawBlock
from pipeline.partitioning import partitions_of

DAY_MS = 86_400_000
#: Midnight inside the load, so that a daily sweep is among what is measured: 2026-03-02 00:00 UTC.
MIDNIGHT_MS = 1_772_409_600_000
CHUNK = 50_000
#: What the records of a day are: (share, service, direction, peer operator, peer kind, largest duration in seconds).
MIX = (
    (0.30, "voice", "mo", "self", "subscriber", 600),
    (0.20, "voice", "mt", "self", "subscriber", 600),
    (0.10, "voice", "mo", "rival-a", "subscriber", 300),
    (0.10, "voice", "mo", "fixed", "other", 300),
    (0.15, "sms", "mo", "self", "subscriber", 1),
    (0.15, "data", "mo", "self", "other", 3600),
)

Pair = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class CallLoad:
    """`records` call records of `lines` lines, one line an account, in the order of their times.

    The times follow from `per_line_day` (records a line and day); `midnight_at` is the share of the records before midnight,
    negative for a start after it. `in_turn`: one line after the other, so that none is left out. Equal arguments give equal
    bytes.
    """

    lines: int
    records: int
    per_line_day: float = 25.0
    midnight_at: float = 0.5
    first_record: int = 0
    in_turn: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        """A load of nothing measures nothing."""
        if self.lines < 1 or self.records < 1:
            raise ValueError("a load needs at least one line and one record")

    @property
    def step_ms(self) -> float:
        """Stream time between two records."""
        return DAY_MS / (self.per_line_day * self.lines)

    @property
    def start_ms(self) -> int:
        """Time of the first record."""
        return MIDNIGHT_MS - int(self.step_ms * self.records * self.midnight_at)

    def pairs(self) -> Iterator[Pair]:
        """Key and value of each record."""
        for start in range(0, self.records, CHUNK):
            yield from self._chunk(start, min(CHUNK, self.records - start))

    def partitioned(self, partitions: int) -> list[list[Pair]]:
        """The records by the partition that Kafka would give them."""
        of_line = partitions_of([account_id(line) for line in range(self.lines)], partitions).tolist()
        pairs: list[list[Pair]] = [[] for _ in range(partitions)]
        for key, value in self.pairs():
            pairs[of_line[int(key[1:])]].append((key, value))
        return pairs

    def _chunk(self, start: int, count: int) -> Iterator[Pair]:
        random = np.random.default_rng([self.seed, self.first_record + start])
        lines = random.integers(0, self.lines, count).tolist()
        if self.in_turn:
            lines = [place % self.lines for place in range(start, start + count)]
        peers = random.integers(0, self.lines, count).tolist()
        kinds = random.choice(len(MIX), count, p=[share for share, *_ in MIX]).tolist()
        parts = random.random(count).tolist()
        templates = [_template(*kind[1:5]) for kind in MIX]
        longest = [kind[5] for kind in MIX]
        first_ms, step_ms = self.start_ms, self.step_ms
        for place in range(count):
            line, kind = lines[place], kinds[place]
            key = b"a%09d" % line
            at = start + place
            yield (
                key,
                templates[kind]
                % (
                    self.first_record + at,
                    first_ms + int(at * step_ms),
                    key,
                    _pseudonym(line),
                    _pseudonym(peers[place]),
                    int(parts[place] * longest[kind]),
                    int(parts[place] * 100),
                ),
            )


def account_id(line: int) -> str:
    """Account of a line."""
    return f"a{line:09d}"


def line_id(line: int) -> str:
    """Pseudonym of a line, as long as ingest makes them."""
    return _pseudonym(line).decode()


def blocks_of(load: CallLoad, partitions: int, block_records: int) -> list[tuple[int, RawBlock]]:
    """(partition, block) in the order in which fetches of `block_records` would bring them."""
    blocks: list[tuple[int, int, RawBlock]] = []
    for partition, pairs in enumerate(load.partitioned(partitions)):
        for start in range(0, len(pairs), block_records):
            cut = pairs[start : start + block_records]
            block = RawBlock(range(start, start + len(cut)), [key for key, _ in cut], [value for _, value in cut])
            blocks.append((start, partition, block))
    blocks.sort(key=lambda item: item[:2])
    return [(partition, block) for _, partition, block in blocks]


def _pseudonym(line: int) -> bytes:
    # 32 hex digits as from BLAKE2b; an odd multiplier spreads neighbours.
    return b"k1-%032x" % (line * 0x9E3779B97F4A7C15F39CC0605CEDC835 & (1 << 128) - 1)


def _template(service: str, direction: str, operator: str, peer_kind: str) -> bytes:
    kind = f'"service":"{service}","direction":"{direction}"'
    peer = f'"peer_operator":"{operator}","peer_kind":"{peer_kind}"'
    ids = '"record_id":"%010d","ts_ms":%d,"account_id":"%s","line_id":"%s"'
    return f'{{{ids},{kind},"peer_id":"%s",{peer},"duration_s":%d,"charge":0.%02d,"roaming":false}}'.encode()
