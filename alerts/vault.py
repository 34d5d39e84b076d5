"""The vault: which number a pseudonym stands for. Read to dial and to reveal only, and each reading is written down first.

The numbers lie sealed in `churn.vault` and, as they are, in Redis. The log of who read what is the account's own chain in
`churn.task-events`: no entry there, no number.
"""

from collections.abc import Callable
from enum import StrEnum

import redis
import structlog

from alerts.policy import DAY_MS
from alerts.sealed import Opener, SealedRecord, SealError
from alerts.sealed_view import SealedView
from alerts.store import TaskStore
from alerts.store.ledger import Answer
from alerts.tasks import Actor, Role, TaskEvent, TaskEventKind

KEEPER = Actor("vault", Role.SYSTEM)
DELETE_LIMIT = 500
#: So often an entry is tried while others write to the same account.
ATTEMPTS_MAX = 20

log = structlog.get_logger()


class ReadFor(StrEnum):
    """What a number may be read for. There is no other purpose."""

    DIAL = "dial"
    REVEAL = "reveal"


class Vault:
    """Reads numbers.

    Args:
        view: the sealed numbers by line id.
        opener: holds the key of the topic "vault".
        store: whose log takes the entries.
    """

    def __init__(self, view: SealedView, opener: Opener, store: TaskStore) -> None:
        self._view = view
        self._opener = opener
        self._store = store

    def number(self, account_id: str, line_id: str, actor: Actor, read_for: ReadFor, why: str) -> str | None:
        """The number behind a line of this account; None where the vault has none, or it belongs to another account.

        `why`: the call's key or what a person said; it is kept for ever.

        Raises:
            InboxNotReady: nothing can be written down now, so nothing is read.
        """
        record = self._view.get(line_id)
        if record is None or record.account_id != account_id:
            return None
        write_down(self._store, TaskEvent(
            account_id=account_id,
            ts_ms=self._store.now_ms(),
            kind=TaskEventKind.NUMBER_READ,
            actor=actor.name,
            role=actor.role,
            read_for=read_for,
            line_id=line_id,
            note=why,
        ))  # fmt: skip
        try:
            return self._opener.open(record).decode()
        except SealError as error:
            log.warning("vault.unreadable", problem=str(error))
            return None


class VaultRetention:
    """Forgets numbers that nobody has brought for so long; says in each account's log that it did.

    Args:
        publish: puts a change into `churn.vault` and returns when the broker has it; None is a deletion.
        days: since the record was last brought.
    """

    def __init__(
        self, view: SealedView, store: TaskStore, publish: Callable[[dict[str, SealedRecord | None]], None], days: float
    ) -> None:
        self._view = view
        self._store = store
        self._publish = publish
        self._kept_ms = int(days * DAY_MS)

    def sweep(self, wall_ms: int) -> int:
        """Forget what is too old at this wall time; returns how many numbers. Stopped midway, it goes on next time.

        The topic forgets first: a Redis filled again from it can then not know better.
        """
        deleted = 0
        while old := self._view.written_before(wall_ms - self._kept_ms, DELETE_LIMIT):
            gone: dict[str, SealedRecord | None] = {record.name: None for record in old}
            self._publish(gone)
            for record in old:
                write_down(self._store, TaskEvent(
                    account_id=record.account_id,
                    ts_ms=self._store.now_ms(),
                    kind=TaskEventKind.NUMBER_DELETED,
                    actor=KEEPER.name,
                    role=KEEPER.role,
                    line_id=record.name,
                ))  # fmt: skip
            self._view.put(gone)
            deleted += len(old)
        if deleted:
            log.info("vault.forgot", numbers=deleted, older_than_days=self._kept_ms / DAY_MS)
        return deleted


def write_down(store: TaskStore, draft: TaskEvent) -> None:
    """Append an event that is about the account and no task.

    Raises:
        InboxNotReady: the log takes nothing now.
        redis.RedisError: too many others wrote to this account meanwhile.
    """
    for _ in range(ATTEMPTS_MAX):
        made = store.ledger.seal(store.ledger.book(draft.account_id), [lambda _: [draft]])
        if store.ledger.append([made])[0] is Answer.APPLIED:
            return
    raise redis.RedisError("the account's log was busy; trying again later")
