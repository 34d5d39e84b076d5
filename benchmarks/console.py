"""How quick the console is: fifty people at work beside an idle worker, and what one inbox of 2,000 tasks costs.

Run: `.venv/bin/python benchmarks/console.py --json`; each figure stands beside its bar. Broker and Redis are the embedded ones,
the console and the worker real processes. Waiting is told in wall time, which other work on the machine lengthens, and the
console's own cost in CPU, which it does not.
"""

import argparse
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import redis

from alerts.accounts.people import new_person
from alerts.accounts.roles import StaffRole
from alerts.accounts.store import PeopleStore
from alerts.store.rebuild import Rebuilder
from churnwatch.clients import redis_client
from churnwatch.embedded import EmbeddedServices, free_port
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from churnwatch.topics import ensure_topics
from pipeline.events import ChurnWarning, Consent, CustomerRecord, Level, Origin, SignalReport
from pipeline.line_views import InvoiceView, LineView

DAY_MS = 86_400_000
#: Shares of clicks, as the issue names them.
CLICKS = {"inbox": 0.60, "customer": 0.25, "action": 0.10, "report": 0.05}
REPORTS = ("ladder", "lead-time", "return-visits", "playbooks")
CLICK_EVERY_S = 2.0
TASKS_EACH = 40
FULL_INBOX = 2000
FULL_OWNER = "m-full"
BARS = {"p95_ms": 300.0, "inbox_cpu_ms": 20.0}
TICKS_A_S = os.sysconf("SC_CLK_TCK")
TOKEN = re.compile(r'name="token" value="([^"]+)"')
CUSTOMER = re.compile(r'href="(/customers/[^"]+)"')
NOTE_FORM = re.compile(
    r'action="/tasks/([^"/]+)/outcome">\s*<input[^>]*><input type="hidden" name="version" value="(\d+)"'
)
REASONS = ("spend_drop", "silence", "competitor_hotline", "complaint", "usage_drop")


@dataclass
class Person:
    """Somebody at a browser: an inbox, a cookie, and what the last pages offered to click on."""

    inbox: str
    cookie: str
    random: Random
    connection: http.client.HTTPConnection
    token: str = ""
    customers: list[str] = field(default_factory=list)
    form: tuple[str, str] | None = None

    def fetch(self, method: str, path: str, fields: dict[str, str] | None = None) -> str:
        """One request with its redirects followed, as a browser does; the page."""
        body = None if fields is None else urlencode(fields)
        headers = {"cookie": self.cookie}
        if body is not None:
            headers |= {"content-type": "application/x-www-form-urlencoded"}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        page = answer.read().decode()
        for cookie in answer.headers.get_all("set-cookie") or []:
            self.cookie += f"; {cookie.partition(';')[0]}"
        if answer.status == 303:
            return self.fetch("GET", answer.headers["location"])
        if answer.status != 200:
            raise RuntimeError(f"{method} {path} answered {answer.status}")
        return page

    def click(self) -> str:
        """One click of the mix; returns what it was."""
        kind = self.random.choices(list(CLICKS), list(CLICKS.values()))[0]
        if kind == "action" and self.form is None:
            kind = "customer"
        if kind == "customer" and not self.customers:
            kind = "inbox"
        if kind == "inbox":
            page = self.fetch("GET", f"/inbox/{self.inbox}")
            self.customers = CUSTOMER.findall(page)
        elif kind == "customer":
            page = self.fetch("GET", self.random.choice(self.customers))
            found = NOTE_FORM.search(page)
            self.form = (found[1], found[2]) if found else None
        elif kind == "action" and self.form is not None:
            task, version = self.form
            sent = {"token": self.token, "version": version, "note": "Called back at noon."}
            page = self.fetch("POST", f"/tasks/{task}/note", sent)
            self.form = None
        else:
            page = self.fetch("GET", f"/reports/{self.random.choice(REPORTS)}")
        if (token := TOKEN.search(page)) is not None:
            self.token = token[1]
        return kind


def fill(settings: Settings, client: redis.Redis, users: int) -> None:
    """People with inboxes, and one inbox of 2,000 tasks: customers, views, warnings, as the tasks process takes them."""
    store = task_store(settings, client)
    Rebuilder(client, store.keys, store.ledger).open_gate()
    now_ms = time.time_ns() // 1_000_000
    owners = [f"m-{user}" for user in range(users) for _ in range(TASKS_EACH)] + [FULL_OWNER] * FULL_INBOX
    store.directory.put([_customer(number, owner, now_ms) for number, owner in enumerate(owners)], [], {})
    views = [_view(number, line, now_ms) for number in range(len(owners)) for line in (1, 2, 3)]
    store.directory.put([], views, {})
    for at in range(0, len(owners), 1000):
        store.admit_warnings([_warning(number, now_ms) for number in range(at, min(at + 1000, len(owners)))])


def _customer(number: int, owner: str, now_ms: int) -> CustomerRecord:
    return CustomerRecord(
        ts_ms=now_ms - 90 * DAY_MS, account_id=f"ACC-{number}", segment="business", star=number % 6,
        region=f"region-{number % 9}", lines=[f"ACC-{number}-L{line}" for line in (1, 2, 3)],
        consent=Consent(call=True, profiling=True), manager_id=owner, brand="Business", timezone="UTC",
        contract_end_ms=now_ms + 60 * DAY_MS,
    )  # fmt: skip


def _view(number: int, line: int, now_ms: int) -> LineView:
    today_ms = now_ms - now_ms % DAY_MS
    bills = [InvoiceView(today_ms - month * 30 * DAY_MS, 80.0 - month) for month in range(6)]
    activity = [(place * 7 + number) % 9 for place in range(28)]
    return LineView(
        f"ACC-{number}", f"ACC-{number}-L{line}", now_ms, today_ms, activity, 5.0, 2.0, 9.0, bills, 0.4, "model"
    )  # fmt: skip


def _warning(number: int, now_ms: int) -> ChurnWarning:
    evidence = {"drop_ratio": 0.4, "days_silent": 9.0, "calls_28d": 3.0, "count_90d": 2.0}
    names = [REASONS[(number + place) % len(REASONS)] for place in range(3)]
    signals = [SignalReport(name, Origin.CUSTOMER_TO_US, 0.8, now_ms - DAY_MS, evidence) for name in names]
    level = (Level.WARN, Level.CRITICAL)[number % 7 == 0]
    return ChurnWarning(
        f"w-{number}", now_ms, f"ACC-{number}", f"ACC-{number}-L1", level, 0.3 + number % 60 / 100, "model",
        12.0, signals, names, "m", "f",
    )  # fmt: skip


def signed_in(people: PeopleStore, inbox: str, port: int, seed: int) -> Person:
    """A manager who may read reports too; the sign-in itself (Argon2id) is not what is measured."""
    login = inbox.replace("m-", "user-")
    people.add(new_person(login, login, (StaffRole.MANAGER, StaffRole.ANALYST), inbox, 1))
    token = people.begin_session(login, time.time_ns() // 1_000_000)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    return Person(inbox, f"churnwatch-session={token}", Random(seed), connection)


class Watcher:
    """The live stream that a browser keeps open beside an inbox."""

    def __init__(self, person: Person, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        headers = {"cookie": person.cookie, "accept": "text/event-stream"}
        self._connection.request("GET", f"/live/{person.inbox}", headers=headers)
        self._answer = self._connection.getresponse()
        self.events = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the page."""
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def _read(self) -> None:
        while line := self._answer.readline():
            self.events += line.startswith(b"event:")


def work(person: Person, until_s: float, start_s: float, told: dict[str, list[float]], failed: list[str]) -> None:
    """Click every two seconds; a click that was late does not make the next one later."""
    at_s = start_s
    while at_s < until_s:
        time.sleep(max(0.0, at_s - time.monotonic()))
        begun_s = time.monotonic()
        try:
            kind = person.click()
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            failed.append(f"{type(error).__name__}: {error}")
            person.connection.close()
        else:
            told[kind].append((time.monotonic() - begun_s) * 1000)
        at_s += CLICK_EVERY_S


def crowd(people: list[Person], port: int, seconds: float, cpu: "Cpu") -> dict[str, Any]:
    """All of them at once, each with an open live stream; waits in milliseconds and the console's CPU."""
    failed: list[str] = []
    told: dict[str, list[float]] = defaultdict(list)
    watching = [Watcher(person, port) for person in people]
    start_s = time.monotonic() + 1.0
    until_s = start_s + seconds
    working = [
        threading.Thread(
            target=work, args=(person, until_s, start_s + place * CLICK_EVERY_S / len(people), told, failed)
        )
        for place, person in enumerate(people)
    ]
    for thread in working:
        thread.start()
    before_s = cpu.seconds()
    for thread in working:
        thread.join()
    used_s = cpu.seconds() - before_s
    for watcher in watching:
        watcher.close()
    waits = sorted(wait for kind in told.values() for wait in kind)
    return {
        "users": len(people),
        "clicks": len(waits),
        "live_events": sum(watcher.events for watcher in watching),
        "failed": len(failed),
        "failures": sorted(set(failed))[:3],
        "p50_ms": _quantile(waits, 0.50),
        "p95_ms": _quantile(waits, 0.95),
        "p99_ms": _quantile(waits, 0.99),
        "by_kind": {kind: {"n": len(found), "p95_ms": _quantile(sorted(found), 0.95)} for kind, found in told.items()},
        "console_cpu_share": round(used_s / (seconds + 1.0), 3),
        "cpu_ms_a_click": round(1000 * used_s / max(1, len(waits)), 2),
        "load_1m": os.getloadavg()[0],
    }


def full_inbox(person: Person, cpu: "Cpu", pages: int) -> dict[str, Any]:
    """CPU of the console for one page of the inbox that holds 2,000 tasks."""
    for _ in range(5):
        person.fetch("GET", f"/inbox/{FULL_OWNER}")
    before_s, page = cpu.seconds(), ""
    for _ in range(pages):
        page = person.fetch("GET", f"/inbox/{FULL_OWNER}")
    used_s = cpu.seconds() - before_s
    return {
        "tasks": FULL_INBOX,
        "rows": page.count("data-task="),
        "page_bytes": len(page.encode()),
        "inbox_cpu_ms": round(1000 * used_s / pages, 2),
    }


class Cpu:
    """CPU time of one process so far, in user and system mode."""

    def __init__(self, pid: int) -> None:
        self._file = Path(f"/proc/{pid}/stat")

    def seconds(self) -> float:
        """Seconds, to a hundredth."""
        numbers = self._file.read_text().rpartition(")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / TICKS_A_S


@contextmanager
def process(environment: dict[str, str], folder: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours, gone afterwards."""
    with open(Path(folder) / f"{arguments[0]}.log", "wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "churnwatch", *arguments],
            env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield running
    finally:
        running.terminate()
        running.wait(15)


def wait_for_console(port: int, running: subprocess.Popen[bytes]) -> None:
    """Until the health check answers."""
    deadline_s = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
        if running.poll() is not None or time.monotonic() > deadline_s:
            raise SystemExit("the console did not start")


def measure(users: int, seconds: float, pages: int, *, beside_worker: bool) -> dict[str, Any]:
    """Both figures in one run."""
    with EmbeddedServices("", "") as services, tempfile.TemporaryDirectory() as folder:
        environment = {
            **services.environment(),
            "CHURNWATCH_KAFKA__TOPIC_PREFIX": "bench",
            "CHURNWATCH_WORKER__DATA_DIR": f"{folder}/data",
            "CHURNWATCH_PRIVACY__VAULT_KEY_FILE": f"{folder}/vault.key",
            "CHURNWATCH_PRIVACY__KEY_FILE": f"{folder}/pseudonym.key",
            "CHURNWATCH_METRICS__PORT": "0",
        }
        settings = read_settings(environ=environment)
        ensure_topics(settings)
        client = redis_client(settings)
        fill(settings, client, users)
        port = free_port()
        own = [{**environment, "CHURNWATCH_METRICS__PORT": str(free_port())} for _ in range(2)]
        with process(own[0], folder, "console", "--port", str(port)) as console:
            wait_for_console(port, console)
            people = PeopleStore(client, settings.kafka.topic_prefix)
            crowd_of = [signed_in(people, f"m-{user}", port, user) for user in range(users)]
            full = signed_in(people, FULL_OWNER, port, 0)
            cpu = Cpu(console.pid)
            result: dict[str, Any] = {"inbox": full_inbox(full, cpu, pages)}
            if beside_worker:
                with process(own[1], folder, "worker"):
                    result["crowd"] = crowd(crowd_of, port, seconds, cpu)
            else:
                result["crowd"] = crowd(crowd_of, port, seconds, cpu)
        client.close()
    return result


def _quantile(values: list[float], share: float) -> float:
    return round(values[min(len(values) - 1, int(share * len(values)))], 1) if values else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pages", type=int, default=100, help="of the full inbox")
    parser.add_argument("--no-worker", action="store_true", help="without the idle worker beside it")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    chosen = parser.parse_args()
    result = measure(chosen.users, chosen.seconds, chosen.pages, beside_worker=not chosen.no_worker)
    met = {
        "p95_ms": result["crowd"]["p95_ms"] < BARS["p95_ms"] and not result["crowd"]["failed"],
        "inbox_cpu_ms": result["inbox"]["inbox_cpu_ms"] <= BARS["inbox_cpu_ms"],
    }
    sys.stdout.write(json.dumps({**result, "bars": BARS, "met": met}, indent=None if chosen.json else 2) + "\n")


if __name__ == "__main__":
    main()
