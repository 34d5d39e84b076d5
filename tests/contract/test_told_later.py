"""Calls that were handed over, on a real Redis: their ends come by stream or file, once, and never hold up the next call."""

from pathlib import Path

import pytest
import redis

from alerts.dialer import HANDED_OVER, Dialer
from alerts.dialers.codes import read_codes
from alerts.dialers.csv_drop import CsvDrop
from alerts.dialers.port import HandedOver
from alerts.dialers.told_later import DispositionStream, ToldLater, read_answers
from alerts.queue import CallQueue, Lease
from alerts.store import TaskStore
from alerts.store.replies import entries
from alerts.tasks import OUTBOUND, Task, TaskResult, TaskState
from tests.fakes.alert_records import customer_record, the_task, warning


@pytest.fixture
def queue(client: redis.Redis, store: TaskStore) -> CallQueue:
    """Two calls that are due."""
    store.directory.put([customer_record("a-1"), customer_record("a-2")], [], {})
    store.admit_warnings([warning(f"w-{n}", account_id=f"a-{n}", line_id=f"l-{n}") for n in (1, 2)])
    made = CallQueue(client, store, "d-1")
    made.prepare()
    return made


@pytest.fixture
def later(queue: CallQueue) -> ToldLater:
    return ToldLater(queue, read_codes()["vicidial"])


def handed_over(queue: CallQueue) -> list[str]:
    """Hand every due call over; returns their keys."""
    calls: list[str] = []

    def ring(_: Task, lease: Lease) -> HandedOver:
        calls.append(lease.call)
        return HandedOver()

    dialer = Dialer(queue, ring)
    while dialer.work(block_ms=1):
        pass
    assert dialer.rung == {HANDED_OVER: len(calls)}
    return calls


def test_ends_come_by_stream_and_what_is_wrong_is_put_aside(
    client: redis.Redis, store: TaskStore, queue: CallQueue, later: ToldLater
) -> None:
    one, other = handed_over(queue)
    assert store.count_open(OUTBOUND, TaskState.IN_CONTACT) == 2
    key = f"{store.keys.prefix}:dispositions"
    for entry in (
        {"call": one, "code": "SALE", "note": "stays"}, {"call": one, "code": "SALE"}, {"call": other, "code": "??"},
        {"call": "nobody:1", "code": "B"}, {"text": "no call"}, {"call": other, "code": "no_answer"},
    ):  # fmt: skip
        client.xadd(key, dict(entry.items()))
    stream = DispositionStream(client, store.keys.prefix, later)
    assert stream.read() == 6
    assert stream.read() == 0
    assert later.taken == {"reached_saved": 1, "no_answer": 1}
    reasons = [row["reason"] for _, row in entries(client.xrange(f"{key}:dead")) if row is not None]
    assert reasons == ["stale_attempt", "unknown_code", "unknown_task", "unknown_call"]
    assert the_task(store.get(one.partition(":")[0])).result is TaskResult.SAVED


def test_ends_come_by_answer_files(store: TaskStore, queue: CallQueue, later: ToldLater, tmp_path: Path) -> None:
    one, other = handed_over(queue)
    drop = CsvDrop(tmp_path, lambda *_: None)
    (tmp_path / "answers" / "today.csv").write_text(f"call,code\n{one},DNC\n{other},B\nrubbish\n")
    assert read_answers(drop, later) == 3
    assert later.taken == {"opt_out": 1, "busy": 1}
    assert later.refused == {"unknown_call": 1}
    assert store.ledger.book(the_task(store.get(one.partition(":")[0])).account_id).opted_out
    assert read_answers(drop, later) == 0


def test_a_dialer_whose_telephone_is_away_leases_nothing(queue: CallQueue, store: TaskStore) -> None:
    dialer = Dialer(queue, lambda *_: HandedOver(), ready=lambda: False)
    assert dialer.work(block_ms=1) == 0
    assert store.count_open(OUTBOUND, TaskState.IN_CONTACT) == 0
