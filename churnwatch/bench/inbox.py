"""`churnwatch bench inbox`: from a port-out order in Kafka to its task in the REST API, under half of the throughput."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import msgspec

from alerts.accounts.roles import StaffRole
from alerts.store.rebuild import Rebuilder
from churnwatch.api_tokens import token_office
from churnwatch.bench.filling import fill
from churnwatch.bench.latency import LatencyFigures, latencies_under_load, order_lines, preloaded_throughput, told
from churnwatch.bench.load import Pair, account_id, line_id
from churnwatch.bench.processes import POLL_S, START_TIMEOUT_S, WORKER, Subject, running
from churnwatch.bench.setting import Setting, bench_setting
from churnwatch.clients import redis_client
from churnwatch.embedded import free_port
from churnwatch.errors import UserError
from churnwatch.task_store import task_store
from pipeline.events import Consent, CustomerRecord

ASK_EVERY_S = 0.01
REQUEST_TIMEOUT_S = 10.0
TENURE_START_MS = 1_700_000_000_000


class TaskReader:
    """Asks the API for the tasks of each account whose order was sent, again and again, and notes when there was one.

    It asks in a thread of its own, one account after the other, so that its figures err on the slow side.
    """

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx2.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=REQUEST_TIMEOUT_S
        )
        self._wanted: dict[str, str] = {}
        self._stop = threading.Event()
        self.seen_s: dict[str, float] = {}
        self._thread = threading.Thread(target=self._ask, name="task-reader", daemon=True)
        self._thread.start()

    def expect(self, line: str, account: str) -> None:
        """An order of this line was sent."""
        self._wanted[line] = account

    def read(self, timeout_s: float) -> None:
        """Let some time pass; the thread reads."""
        time.sleep(timeout_s)

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _ask(self) -> None:
        while not self._stop.wait(ASK_EVERY_S):
            for line, account in list(self._wanted.items()):
                if self._client.get("/tasks", params={"account_id": account}).raise_for_status().json()["total"]:
                    self.seen_s[line] = time.monotonic()
                    del self._wanted[line]


def bench_inbox(lines: int, records: int, seconds: float, orders_per_s: float) -> LatencyFigures:
    """Measure the worker's throughput over `records` preloaded ones, then send at half of it with orders in between, while
    worker, tasks process and console run as in production.
    """
    overrides = {
        "CHURNWATCH_ENGINE__COMMIT_INTERVAL_S": "10",
        "CHURNWATCH_TASKS__CLOCK": "stream",
        "CHURNWATCH_TASKS__HOLDOUT_PUBLIC": "0",
        "CHURNWATCH_TASKS__HOLDOUT_BUSINESS": "0",
    }
    with bench_setting(overrides, redis_url="") as setting:
        fill(setting.settings, "customers", _customers(lines, int(orders_per_s * seconds)))
        with running("worker", WORKER, setting.environment, setting.folder) as worker:
            throughput = preloaded_throughput(setting, worker, lines, records)
            with _tasks_and_api(setting) as reader:
                found = latencies_under_load(setting, lines, records, throughput / 2, seconds, orders_per_s, reader)
            worker.stop()
    return told(throughput, found)


@contextmanager
def _tasks_and_api(setting: Setting) -> Iterator[TaskReader]:
    port = free_port()
    tasks_command = ["-m", "churnwatch", "tasks"]
    console_command = ["-m", "churnwatch", "console", "--port", str(port), "--insecure-no-login"]
    with (
        running("tasks", tasks_command, setting.environment, setting.folder) as tasks,
        running("console", console_command, setting.environment, setting.folder) as console,
    ):
        url = f"http://127.0.0.1:{port}/api/v1"
        _wait_for(lambda: _inbox_is_open(setting), tasks, "its inbox open")
        _wait_for(lambda: _answers(f"{url}/openapi.json"), console, "an answer")
        with token_office(setting.settings) as office:
            token, _ = office.create("bench", StaffRole.SUPERVISOR, None)
        reader = TaskReader(url, token)
        try:
            yield reader
        finally:
            reader.close()


def _wait_for(holds: Callable[[], bool], subject: Subject, what: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not holds():
        subject.check()
        if time.monotonic() > deadline:
            raise UserError(f"{subject.name} does not have {what} after {START_TIMEOUT_S:g} s; its log: {subject.log}")
        time.sleep(POLL_S)


def _inbox_is_open(setting: Setting) -> bool:
    client = redis_client(setting.settings)
    try:
        store = task_store(setting.settings, client)
        return Rebuilder(client, store.keys, store.ledger).gate_is_open()
    finally:
        client.close()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=REQUEST_TIMEOUT_S).is_success
    except httpx2.HTTPError:
        return False


def _customers(lines: int, orders: int) -> Iterator[Pair]:
    """Those whose orders will be sent: every other one has a manager."""
    for number, line in enumerate(order_lines(lines, orders)):
        managed = number % 2 == 0
        record = CustomerRecord(
            ts_ms=TENURE_START_MS, account_id=account_id(line), segment="business" if managed else "public", star=2,
            region=f"r-{number % 20}", lines=[line_id(line)], consent=Consent(call=True, profiling=True),
            manager_id=f"m-{number % 50}" if managed else None, timezone="Asia/Shanghai",
        )  # fmt: skip
        yield account_id(line).encode(), msgspec.json.encode(record)
