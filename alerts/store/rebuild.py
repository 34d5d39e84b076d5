"""The inbox from the task log: all of it after a loss, or only what Redis lacks after a restart, by the same code."""

from collections.abc import Iterable, Iterator, Sequence

import redis

from alerts.book import Book
from alerts.chain import ChainBroken, check_next
from alerts.store.keys import Keys
from alerts.store.ledger import Answer, Append, Ledger
from alerts.store.outbox import TASK_EVENTS_POSITION
from alerts.store.replies import server_fields, texts
from alerts.tasks import Task, TaskEvent, TaskState

SCAN_COUNT = 1000
#: First words of the keys that follow from the task log; customers, views and unsent changes do not.
DERIVED = (
    "book", "task", "tasks-of", "open", "closed", "groups", "owners", "due", "escalate", "stale", "seen", "counters",
    "calls", "expire", "planned", "person-contacts", "capacity", "rates", "visits", "surge", "barred-numbers", "budget",
)  # fmt: skip


class Rebuilder:
    """Applies logged events that Redis does not have yet. While it works, nobody else may change a task."""

    def __init__(self, client: redis.Redis, keys: Keys, ledger: Ledger) -> None:
        self._redis = client
        self._keys = keys
        self._ledger = ledger

    def close_gate(self) -> None:
        """From now on every other writer is told that the inbox is not ready."""
        self._redis.delete(self._keys.ready)

    def open_gate(self) -> None:
        """The view is complete, as long as this server runs: one that is started again may have gone back in time."""
        self._redis.set(self._keys.ready, self._run_id())

    def gate_is_open(self) -> bool:
        """Whether this very server's view was found complete."""
        return self._redis.get(self._keys.ready) == self._run_id()

    def _run_id(self) -> str:
        return str(server_fields(self._redis.info("server"))["run_id"])

    def wipe(self) -> int:
        """Delete what follows from the task log; returns the number of keys. Unsent changes must be relayed before."""
        self.close_gate()
        deleted = 0
        for keys in _batches(self._redis.scan_iter(match=f"{self._keys.prefix}:*", count=SCAN_COUNT), SCAN_COUNT):
            doomed = [key for key in keys if key.removeprefix(f"{self._keys.prefix}:").partition(":")[0] in DERIVED]
            if doomed:
                deleted += int(self._redis.unlink(*doomed))
        self._redis.hdel(self._keys.positions, TASK_EVENTS_POSITION)
        return deleted

    def apply(self, events: Sequence[TaskEvent]) -> int:
        """Append those of the events that Redis lacks, in order; returns how many those were.

        Raises:
            ChainBroken: the log does not fit together, or not to what Redis holds.
        """
        by_account: dict[str, list[TaskEvent]] = {}
        for event in events:
            by_account.setdefault(event.account_id, []).append(event)
        applied = 0
        while by_account:
            books = self._ledger.books(list(by_account))
            appends = [self._missing(books[account_id], own) for account_id, own in by_account.items()]
            appends = [made for made in appends if made.events]
            done = self._ledger.append(appends, rebuild=True) if appends else []
            applied += sum(
                len(made.events) for made, written in zip(appends, done, strict=True) if written is Answer.APPLIED
            )
            # Another rebuild may have been quicker: what is left is looked at again, and mostly found to be there.
            slower = {
                made.start.account_id
                for made, written in zip(appends, done, strict=True)
                if written is not Answer.APPLIED
            }
            by_account = {account_id: own for account_id, own in by_account.items() if account_id in slower}
        return applied

    def revive_calls(self) -> int:
        """Schedule the calls under way once more: whoever gets one finds it begun, and reports it lost."""
        revived = 0
        ids = texts(self._redis.zrange(self._keys.open(state=TaskState.IN_CONTACT), 0, -1))
        for batch in _batches(iter(ids), SCAN_COUNT):
            calls = {task.next_attempt: float(_since(task)) for task in self._ledger.tasks(batch).values()}
            revived += int(self._redis.zadd(self._keys.schedule, calls) or 0)
        return revived

    def _missing(self, book: Book, events: Iterable[TaskEvent]) -> Append:
        made = Append(book, book, [], [])
        for event in events:
            if event.seq < made.end.seq or (event.seq == made.end.seq and event.hash == made.end.hash):
                continue
            if event.seq == made.end.seq:
                raise ChainBroken(
                    f"event {event.seq} of account {event.account_id} is another one in the log than in Redis"
                )
            check_next(event, made.end.seq, made.end.hash)
            self._ledger.add(made, event)
        return made


def _since(task: Task) -> int:
    return task.history[-1].ts_ms if task.history else task.created_ms


def _batches(items: Iterator[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
