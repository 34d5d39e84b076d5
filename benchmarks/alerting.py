"""How quick the alerts are: an order to its task in the API, warnings into tasks, the outbound queue, the daily plan.

Run: `.venv/bin/python benchmarks/alerting.py --json`; each figure stands beside its bar. Broker and Redis are the embedded ones.
"""

import argparse
import json
import multiprocessing
import time
from random import Random
from typing import Any

import redis

from alerts.book import Book
from alerts.capacity import Candidate, daily_plan
from alerts.capacity_candidates import Day
from alerts.capacity_rates import Rates
from alerts.clock import ManualClock
from alerts.queue import CallQueue
from alerts.rules import Rules, read_rules
from alerts.store import TaskStore
from alerts.store.directory import customer_of
from alerts.store.planning import Planner
from alerts.store.rebuild import Rebuilder
from alerts.tasks import Customer, Refusal, Task
from churnwatch.bench.inbox import bench_inbox
from churnwatch.embedded import EmbeddedServices
from pipeline.events import ChurnWarning, Consent, CustomerRecord, Disposition, Level, Origin, SignalReport

NOON_MS = 1_772_510_400_000  # Tuesday 2026-03-03 12:00 in Shanghai
DAY_MS = 86_400_000
BATCH = 1000
CONSUMERS = 4
#: What must be reached: milliseconds from order to API at most, warnings a second, leases and acks a second, seconds for a plan.
BARS = {
    "order_to_api_p99_ms": 1000.0, "warnings_per_s": 1000.0, "lease_acks_per_s": 2000.0, "redis_plan_s": 30.0,
}  # fmt: skip


def customer_record(number: int, managers: int) -> CustomerRecord:
    """Every third one has a manager and a deputy; the others are the outbound team's."""
    managed = number % 3 == 0
    return CustomerRecord(
        ts_ms=NOON_MS - 100 * DAY_MS, account_id=f"a-{number}", segment="key_account" if managed else "public",
        star=number % 6 if managed else 0, region=f"r-{number % 20}", lines=[f"l-{number}"],
        consent=Consent(call=True, profiling=True), manager_id=f"m-{number // 3 % managers}" if managed else None,
        deputy_id=f"m-{(number // 3 + 1) % managers}" if managed else None, timezone="Asia/Shanghai",
    )  # fmt: skip


def warning(number: int, score: float, name: str = "spend_drop") -> ChurnWarning:
    signal = SignalReport(name, Origin.OWN_BILLING, 0.8, NOON_MS - DAY_MS, {"drop_ratio": 0.4})
    return ChurnWarning(
        f"w-{name}-{number}",
        NOON_MS,
        f"a-{number}",
        f"l-{number}",
        Level.WARN,
        score,
        "model",
        12.0,
        [signal],
        [name],
        "m",
        "f",
    )


def open_store(url: str, prefix: str) -> tuple[redis.Redis, TaskStore]:
    client = redis.Redis.from_url(url, decode_responses=True)
    return client, TaskStore(client, prefix, ManualClock(NOON_MS))


def bench_warnings(url: str, count: int) -> dict[str, float]:
    """Warnings of as many customers into tasks, as the tasks process takes them."""
    client, store = open_store(url, "bench-warnings")
    Rebuilder(client, store.keys, store.ledger).open_gate()
    store.directory.put([customer_record(number, 300) for number in range(count)], [], {})
    told = [warning(number, 0.3) for number in range(count)]
    start_s, cpu_s = time.perf_counter(), time.process_time()
    for at in range(0, count, BATCH):
        store.admit_warnings(told[at : at + BATCH])
    seconds, cpu = time.perf_counter() - start_s, time.process_time() - cpu_s
    assert store.count_open() == count
    return {"warnings_per_s": round(count / seconds), "warnings_per_cpu_s": round(count / cpu)}


def consume(
    url: str, prefix: str, name: str, whole: bool, answer: "multiprocessing.Queue[tuple[int, float, float, float]]"
) -> None:
    """One dialer: lease and acknowledge until nothing is left; `whole`: begin and finish each call as well."""
    client, store = open_store(url, prefix)
    queue = CallQueue(client, store, name)
    done, start_s, cpu_s = 0, time.perf_counter(), time.process_time()
    ended_s = start_s
    while leases := queue.lease(50, 50):
        for lease in leases:
            if whole:
                if not isinstance(queue.begin(lease), Refusal):
                    queue.finish(lease, Disposition.REACHED_SAVED)
            else:
                queue._release(lease, "")
            done += 1
        ended_s = time.perf_counter()
    client.close()
    answer.put((done, start_s, ended_s, time.process_time() - cpu_s))


def bench_queue(url: str, count: int, *, whole: bool) -> dict[str, float]:
    """Calls a second of four dialers at once."""
    prefix = "bench-calls" if whole else "bench-leases"
    client, store = open_store(url, prefix)
    Rebuilder(client, store.keys, store.ledger).open_gate()
    queue = CallQueue(client, store, "filler")
    queue.prepare()
    if whole:
        store.directory.put([customer_record(3 * number + 1, 300) for number in range(count)], [], {})
        for at in range(0, count, BATCH):
            store.admit_warnings([warning(3 * number + 1, 0.3) for number in range(at, min(count, at + BATCH))])
    else:
        client.zadd(store.keys.schedule, {f"t{number}:1": 1 for number in range(count)})
    while queue.move_due():
        pass
    context = multiprocessing.get_context("spawn")
    answers: Any = context.Queue()
    dialers = [context.Process(target=consume, args=(url, prefix, f"d-{n}", whole, answers)) for n in range(CONSUMERS)]
    for dialer in dialers:
        dialer.start()
    told = [answers.get(timeout=300) for _ in dialers]
    for dialer in dialers:
        dialer.join()
    seconds = max(ended for _, _, ended, _ in told) - min(started for _, started, _, _ in told)
    total = sum(done for done, _, _, _ in told)
    name = "calls" if whole else "lease_acks"
    cpu = sum(cpu for _, _, _, cpu in told)
    return {f"{name}_per_s": round(total / seconds), f"{name}_per_dialer_cpu_s": round(total / cpu)}


def candidates(count: int, managers: int, rules: Rules) -> list[tuple[Book, Task, Customer]]:
    from alerts.admission import admit

    dice = Random(7)
    found = []
    for number in range(count):
        customer = customer_of(customer_record(number, managers))
        book = Book(customer.account_id)
        task = admit(book, warning(number, dice.random()), customer, rules, NOON_MS).task
        assert task is not None
        found.append((Book(customer.account_id, open={task.reason_group: task}), task, customer))
    return found


def bench_plan(count: int, managers: int) -> dict[str, float]:
    """The plan alone: from tasks, books and customers in memory to who is contacted when."""
    rules = read_rules()
    tasks = candidates(count, managers, rules)
    dice = Random(8)
    margins = [dice.lognormvariate(4, 1) for _ in tasks]
    start_s, cpu_s = time.perf_counter(), time.process_time()
    day = Day(rules, Rates(rules.capacity, {}), NOON_MS)
    ways = [
        day.candidate(book, task, customer, margin)
        for (book, task, customer), margin in zip(tasks, margins, strict=True)
    ]
    able: list[Candidate] = [one for one in ways if one is not None]
    owners = {option.owner for one in able for option in one.options}
    plan = daily_plan(able, {owner: rules.capacity.contacts_per_day(owner) for owner in owners}, rules.capacity)
    return {
        "plan_candidates": len(able), "plan_managers": len(owners) - 1, "plan_contacts": len(plan.planned),
        "plan_gap": round(1 - plan.gain / plan.bound, 9), "plan_s": round(time.perf_counter() - start_s, 2),
        "plan_cpu_s": round(time.process_time() - cpu_s, 2),
    }  # fmt: skip


def bench_plan_on_redis(url: str, count: int) -> dict[str, float]:
    """The plan as the tasks process makes it: inbox read, planned, reserved."""
    client, store = open_store(url, "bench-plan")
    Rebuilder(client, store.keys, store.ledger).open_gate()
    store.directory.put([customer_record(number, 300) for number in range(count)], [], {})
    dice = Random(7)
    for at in range(0, count, BATCH):
        store.admit_warnings([warning(number, dice.random()) for number in range(at, at + BATCH)])
    cpu_s = time.process_time()
    report = Planner(client, store).plan_day()
    assert report is not None
    return {
        "redis_plan_candidates": report.candidates, "redis_plan_reserved": report.reserved,
        "redis_plan_s": round(report.seconds, 2), "redis_plan_cpu_s": round(time.process_time() - cpu_s, 2),
    }  # fmt: skip


def bench_order_to_api(lines: int, records: int) -> dict[str, float]:
    """From a port-out order in Kafka to its task in the API, at half of the worker's throughput (`churnwatch bench inbox`)."""
    found = bench_inbox(lines, records, seconds=20.0, orders_per_s=5.0)
    return {
        "order_to_api_p50_ms": found.p50_ms, "order_to_api_p99_ms": found.p99_ms, "orders": found.orders,
        "load_events_per_s": found.load_events_per_s,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--tasks", type=int, default=10_000, help="warnings, and calls, of the load tests")
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument("--managers", type=int, default=300)
    parser.add_argument("--redis-candidates", type=int, default=50_000, help="of the plan on Redis")
    parser.add_argument("--lines", type=int, default=200_000, help="with state, of the way from order to API")
    parser.add_argument(
        "--records", type=int, default=600_000, help="preloaded, to find the throughput; 0: leave it out"
    )
    chosen = parser.parse_args()
    figures: dict[str, Any] = bench_plan(chosen.candidates, chosen.managers)
    with EmbeddedServices(kafka_bootstrap="none:0") as services:
        figures |= bench_warnings(services.redis_url, chosen.tasks)
        figures |= bench_queue(services.redis_url, chosen.tasks, whole=False)
        figures |= bench_queue(services.redis_url, min(chosen.tasks, 1900), whole=True)
        if chosen.redis_candidates:
            figures |= bench_plan_on_redis(services.redis_url, chosen.redis_candidates)
    if chosen.records:
        figures |= bench_order_to_api(chosen.lines, chosen.records)
    figures["bars"] = BARS
    print(json.dumps(figures) if chosen.json else "\n".join(f"{name:24} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
