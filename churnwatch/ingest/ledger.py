"""The bookkeeping of one ingest: where each file stands, noted only after the broker's acknowledgement."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from churnwatch.clients import kafka_admin
from churnwatch.ingest.plan import PlannedFile
from churnwatch.ingest.positions import PositionStore, Tail
from churnwatch.ingest.tail import SentTail, read_tail
from churnwatch.settings import Settings
from churnwatch.topics import TopicState, read_ends
from pipeline.sources.files import Position
from pipeline.sources.merge import Feed
from pipeline.sources.port import DEAD_LETTERS


class Ledger:
    """Knows which note belongs to which file and topic."""

    def __init__(
        self, settings: Settings, plan: Sequence[PlannedFile], states: Sequence[TopicState], store: PositionStore
    ) -> None:
        by_name = {state.plan.name: state for state in states}
        used = {stream.value for file in plan for stream in file.streams} | {DEAD_LETTERS}
        self._settings = settings
        self._store = store
        self._paths = [file.path for file in plan]
        self._topic_ids = {file.path: by_name[settings.topic(file.stream)].topic_id for file in plan}
        self._short_names = {settings.topic(name): name for name in sorted(used)}
        self._states = [by_name[name] for name in self._short_names]
        self._admin = kafka_admin(settings)
        self._old_tails: list[Tail] = []
        self._tail = SentTail()
        self._noted_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admin.close()

    def position(self, planned: PlannedFile) -> Position:
        """How far an earlier run sent this file."""
        return self._store.position(self._topic_ids[planned.path], planned.path)

    def read_tail(self) -> SentTail:
        """What an earlier run that was cut off had sent after its last note."""
        self._old_tails = self._store.tails({state.plan.name: state.topic_id for state in self._states})
        self._tail = read_tail(self._settings, self._old_tails, self._short_names)
        return self._tail

    def due(self) -> bool:
        """Whether it is time for a note."""
        return time.monotonic() - self._noted_at >= self._settings.ingest.checkpoint_s

    def note(self, feeds: Sequence[Feed], *, finished: bool) -> None:
        """Note where every file stands; call it when all that was sent has been acknowledged."""
        positions = {path: feed.position() for path, feed in zip(self._paths, feeds, strict=True)}
        self._store.save(self._topic_ids, positions, [] if finished else self._tails())
        self._noted_at = time.monotonic()

    def _tails(self) -> list[Tail]:
        """Where the topics end now; as long as an old tail is not used up, that one goes on counting."""
        kept = {tail.topic: tail for tail in self._old_tails} if self._tail.pending else {}
        fresh = [state for state in self._states if state.plan.name not in kept]
        ends = read_ends(self._admin, fresh)
        return [*kept.values(), *(Tail(state.topic_id, state.plan.name, ends[state.plan.name]) for state in fresh)]
