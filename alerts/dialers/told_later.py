"""What telephone systems tell later, by file or by Redis stream: recorded once, and what cannot be is put aside."""

import re
from collections import Counter
from collections.abc import Iterable

import redis
import structlog

from alerts.dialers.codes import DispositionCodes
from alerts.dialers.csv_drop import CsvDrop, Told
from alerts.queue import CallQueue
from alerts.store.replies import entries
from alerts.tasks import NOTE_LENGTH_MAX, Refusal, RefusalReason

CALL = re.compile(r"[A-Za-z0-9._-]{1,64}:[0-9]{1,6}")
ENTRIES_A_ROUND = 500
#: As redis-py types what a stream's entry may hold.
StreamFields = dict[
    bytes | bytearray | memoryview | str | int | float, bytes | bytearray | memoryview | str | int | float
]
DEAD_MAX = 10_000

log = structlog.get_logger()


class ToldLater:
    """Takes what was told.

    Attributes:
        taken: dispositions recorded, by how the call ended.
        refused: those that were not, by why.
    """

    def __init__(self, queue: CallQueue, codes: DispositionCodes) -> None:
        self._queue = queue
        self._codes = codes
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def take(self, told: Told) -> str:
        """Record one; returns "" or why it was refused.

        Raises:
            redis.RedisError: nothing is known; tell it again. Twice is harmless.
        """
        problem = self._take(told)
        if problem:
            self.refused[problem] += 1
        return problem

    def take_all(self, lines: Iterable[Told]) -> None:
        """Record all of these; a refused one does not hold up the others."""
        for told in lines:
            self.take(told)

    def _take(self, told: Told) -> str:
        disposition = self._codes.of(told.code)
        if not CALL.fullmatch(told.call):
            return "unknown_call"
        if disposition is None:
            return "unknown_code"
        task_id, _, attempt = told.call.rpartition(":")
        done = self._queue.finish_handed(task_id, int(attempt), disposition, told.note[:NOTE_LENGTH_MAX])
        if not isinstance(done, Refusal):
            self.taken[disposition] += 1
            return ""
        if done.reason is RefusalReason.BUSY:
            raise redis.RedisError("the account was busy; telling it again later")
        return str(done.reason)


class DispositionStream:
    """A Redis stream `<prefix>:dispositions` into which a dialer puts `call`, `code` and perhaps `note`.

    An entry is deleted once it was dealt with; what was refused stands in `<prefix>:dispositions:dead` with the reason.
    """

    def __init__(self, client: redis.Redis, prefix: str, later: ToldLater) -> None:
        self._redis = client
        self._key = f"{prefix}:dispositions"
        self._later = later

    def read(self) -> int:
        """Deal with what is there; returns the number of entries. Two readers at once record each call once."""
        rows = entries(self._redis.xrange(self._key, count=ENTRIES_A_ROUND))
        for entry_id, row in rows:
            fields = row or {}
            told = Told(fields.get("call", ""), fields.get("code", ""), fields.get("note", ""))
            problem = self._later.take(told)
            if problem:
                aside: StreamFields = {"call": told.call[:80], "code": told.code[:40], "reason": problem}
                self._redis.xadd(f"{self._key}:dead", aside, maxlen=DEAD_MAX, approximate=True)
                log.warning("disposition.refused", reason=problem)
            self._redis.xdel(self._key, entry_id)
        return len(rows)


def read_answers(drop: CsvDrop, later: ToldLater) -> int:
    """Deal with the answer files of a CSV drop; returns how many lines."""
    lines = 0
    for path, told in drop.answers():
        later.take_all(told)
        drop.taken(path)
        lines += len(told)
    return lines
