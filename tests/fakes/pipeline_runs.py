"""Contract records as bytes, and whole partitions in memory that are fed them as a broker would feed them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from models.labels import DelayedLabels
from pipeline.calm.saved import dump_crowd
from pipeline.columns import Accept, RawBlock, Refused
from pipeline.effects import Effects
from pipeline.engine import Engine, EngineConfig
from pipeline.events import ChurnWarning, Stream
from pipeline.features.catalogue import feature_schema, features_for
from pipeline.kinds import KindTable
from pipeline.merge import Merger
from pipeline.partition_task import PartitionTask, Progress
from pipeline.policy import SignalPolicy, read_policy
from pipeline.ports import LabelKeeper
from pipeline.signals.registry import SOFT_SIGNAL_NAMES
from pipeline.snapshot import Snapshot, Snapshotter
from pipeline.state.partition import PartitionState
from tests.fakes.labels import RecordingLabels

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
#: Monday 2026-03-02, 00:00 UTC.
MONDAY_MS = 20_514 * DAY_MS
POLICY_FILE = Path(__file__).resolve().parents[2] / "config" / "policies" / "signals.toml"
#: Small, so that few lines fill several pages.
PAGE_LINES = 16
#: Every task writes under a name of its own.
WRITERS = count()


def policy() -> SignalPolicy:
    """The policy that production reads."""
    return read_policy(POLICY_FILE, SOFT_SIGNAL_NAMES)


def call(number: int = 0, ts_ms: int = MONDAY_MS, **changes: Any) -> dict[str, Any]:
    """An outgoing call of line a1-1 within the own network."""
    record = {
        "record_id": f"c{number}", "ts_ms": ts_ms, "account_id": "a1", "line_id": "a1-1", "service": "voice",
        "direction": "mo", "peer_operator": "self", "peer_kind": "subscriber", "duration_s": 60.0, "charge": 0.1,
        "roaming": False,
    }  # fmt: skip
    return {**record, **changes}


def order(kind: str, number: int = 0, ts_ms: int = MONDAY_MS, **changes: Any) -> dict[str, Any]:
    """An order for line a1-1."""
    record = {"record_id": f"o{number}", "ts_ms": ts_ms, "account_id": "a1", "line_id": "a1-1", "kind": kind}
    return {**record, "origin": "customer_to_us", **changes}


def care(kind: str, number: int = 0, ts_ms: int = MONDAY_MS, **changes: Any) -> dict[str, Any]:
    """A contact about line a1-1."""
    record = {"record_id": f"s{number}", "ts_ms": ts_ms, "account_id": "a1", "line_id": "a1-1", "kind": kind}
    return {**record, "severity": 1, "channel": "phone", **changes}


def invoice(amount: float, number: int = 0, ts_ms: int = MONDAY_MS, **changes: Any) -> dict[str, Any]:
    """A bill of line a1-1."""
    record = {"record_id": f"b{number}", "ts_ms": ts_ms, "account_id": "a1", "line_id": "a1-1", "kind": "invoice"}
    return {**record, "amount": amount, **changes}


def outcome(kind: str, number: int = 0, ts_ms: int = MONDAY_MS, **changes: Any) -> dict[str, Any]:
    """What happened next to line a1-1."""
    record = {"record_id": f"x{number}", "ts_ms": ts_ms, "account_id": "a1", "line_id": "a1-1", "kind": kind}
    return {**record, **changes}


def customer(ts_ms: int = MONDAY_MS, **changes: Any) -> dict[str, Any]:
    """Reference data of account a1 with its one line."""
    record = {
        "ts_ms": ts_ms, "account_id": "a1", "segment": "public", "star": 2, "region": "north", "lines": ["a1-1"],
        "consent": {},
    }  # fmt: skip
    return {**record, **changes}


def block_of(
    values: Sequence[bytes | None], first_offset: int = 0, keys: Sequence[bytes | None] | None = None
) -> RawBlock:
    """Values as one fetch, with account a1's key if none are given."""
    offsets = range(first_offset, first_offset + len(values))
    return RawBlock(offsets, [b"a1"] * len(values) if keys is None else keys, values)


@dataclass(slots=True)
class Topic:
    """Everything in one topic of a partition."""

    keys: list[bytes] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a record under its account's key."""
        self.keys.append(str(record["account_id"]).encode())
        self.values.append(msgspec.json.encode(record))

    def block(self, start: int, stop: int) -> RawBlock:
        """One fetch."""
        stop = min(stop, len(self.values))
        return RawBlock(range(start, stop), self.keys[start:stop], self.values[start:stop])


Topics = dict[Stream, Topic]


def topics_of(**records: Iterable[Mapping[str, Any]]) -> Topics:
    """Topics with these records, in the given order; streams that are not named are empty."""
    topics = {stream: Topic() for stream in Stream}
    for name, rows in records.items():
        for record in rows:
            topics[Stream(name)].add(record)
    return topics


class Run:
    """A partition in memory: fed, saved to a dictionary that stands for the state table, restarted from it.

    Wall time is `now_s`, which only the test moves.
    """

    def __init__(
        self,
        labels: LabelKeeper | None = None,
        *,
        idle_s: float = 0.2,
        buffer_max: int = 200_000,
        rules: SignalPolicy | None = None,
    ) -> None:
        self.stored: dict[bytes, bytes] = {}
        self.effects = Effects()
        self.refused: list[Refused] = []
        self.now_s = 0.0
        self._labels = labels
        self._idle_s, self._buffer_max = idle_s, buffer_max
        self._policy = rules or policy()
        self._schema = feature_schema(features_for(list(self._policy.hard)))
        self.task = self._make_task()

    @property
    def state(self) -> PartitionState:
        return self.task.engine.state

    @property
    def warnings(self) -> list[ChurnWarning]:
        return self.effects.warnings

    def position(self, stream: Stream) -> int:
        """Offset of the next record to fetch."""
        return self.task.merger.inputs[stream].position

    def feed(self, stream: Stream, block: RawBlock) -> None:
        """One fetch arrives."""
        self._note(self.task.on_block(stream, block, self.now_s))

    def fetch(self, topics: Topics, stream: Stream, records: int) -> None:
        """Fetch the next records of a topic, if there are any."""
        start = self.position(stream)
        block = topics[stream].block(start, start + records)
        if len(block):
            self.feed(stream, block)

    def fetch_all(self, topics: Topics) -> None:
        """Everything, in one gulp a topic, and what idle inputs held back."""
        for stream in Stream:
            self.fetch(topics, stream, len(topics[stream].values))
        self.settle(topics)

    def settle(self, topics: Topics) -> None:
        """All inputs are at their ends and stay there until they count as idle."""
        for _ in range(2):
            self.poll(topics)
            self.now_s += 10.0
        self.poll(topics)

    def poll(self, topics: Topics) -> None:
        """Tell the ends of the topics."""
        self._note(self.task.poll({stream: len(topic.values) for stream, topic in topics.items()}, self.now_s))

    def save(self) -> Snapshot:
        """A whole snapshot into the store, as the worker writes it."""
        snapshot = self.task.snapshot()
        self.stored.update(snapshot.pages)
        self.stored.update([snapshot.manifest])
        for key in snapshot.deletions:
            self.stored.pop(key, None)
        return snapshot

    def restart(self) -> None:
        """Die, and begin with what was saved."""
        self.task = self._make_task()

    def pages(self) -> dict[str, bytes]:
        """Every page of lines and accounts, the ids seen, and the label keeper's saved state."""
        pages = {f"lines/{n}": self.state.lines.dump_page(n) for n in range(self.state.lines.page_count)}
        pages |= {f"accounts/{n}": self.state.accounts.dump_page(n) for n in range(self.state.accounts.page_count)}
        for day, table in self.state.seen.days.items():
            ids = table.fingerprints()
            ids.sort()
            pages[f"seen/{day}"] = ids.tobytes()
        pages["crowd"] = dump_crowd(self.state.crowd)
        return pages

    def _note(self, progress: Progress) -> None:
        self.effects.extend(progress.effects)
        self.refused += progress.refused

    def _make_task(self) -> PartitionTask:
        labels = self._labels or DelayedLabels(self._schema, waits_for_silence=True)
        snapshotter = Snapshotter(0, self._schema, writer=f"writer{next(WRITERS)}")
        restored = snapshotter.restore(self.stored, PAGE_LINES)
        state = PartitionState.empty(0, PAGE_LINES)
        if restored is not None:
            state, pages = restored
            labels.restore(pages)
        kinds = KindTable()
        engine = Engine(state, self._policy, EngineConfig(page_lines=PAGE_LINES), kinds, labels)
        merger = Merger(state.applied, self._idle_s, self._buffer_max)
        return PartitionTask(engine, merger, snapshotter, labels, kinds, Accept())


def wire(messages: Iterable[Any]) -> list[bytes]:
    """Messages as they would be sent."""
    return [msgspec.json.encode(message) for message in messages]


def run_of(
    labels: LabelKeeper | None = None, rules: SignalPolicy | None = None, **records: list[dict[str, Any]]
) -> Run:
    """A partition that took in these records, under the policy of production or these rules."""
    run = Run(RecordingLabels() if labels is None else labels, rules=rules)
    run.fetch_all(topics_of(**records))
    return run


def column(run: Run, name: str, line_id: str = "a1-1") -> Any:
    return run.state.lines[name][run.state.lines.row_of[line_id]]
