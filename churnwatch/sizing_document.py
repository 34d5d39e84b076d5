"""The table of docs/operations/scale.md from `churnwatch/sizing.py`.

`python -m churnwatch.sizing_document --write` renews it, `--check` compares.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from churnwatch.sizing import ASSUMED, GIB, MEASURED, Sizing, sizing

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operations" / "scale.md"
RENEW = "python -m churnwatch.sizing_document --write"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
LINES = (10_000, 100_000, 1_000_000, 5_000_000, 20_000_000, 50_000_000)


def table() -> str:
    """The sizes, a column each."""
    sizes = [sizing(lines) for lines in LINES]
    rows = [
        ("records a second, mean", [_count(one.records_per_s) for one in sizes]),
        ("records a second, busiest hour", [_count(one.peak_per_s) for one in sizes]),
        ("workers", [str(one.workers) for one in sizes]),
        ("partitions of each input", [str(one.partitions) for one in sizes]),
        ("memory of each worker, GiB", [_gib(one.worker_gib) for one in sizes]),
        ("call records in Kafka, GiB", [_gib(one.topic_gib) for one in sizes]),
        ("state in Kafka, GiB", [_gib(one.state_gib) for one in sizes]),
        ("Redis, GiB", [_gib(one.redis_gib) for one in sizes]),
    ]
    head = "| lines | " + " | ".join(_count(lines) for lines in LINES) + " |"
    rule = "|---|" + "---:|" * len(LINES)
    return "\n".join([head, rule, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows)]) + "\n"


def example(one: Sizing) -> str:
    """The arithmetic of one size, step by step."""
    a, m = ASSUMED, MEASURED
    planned = m.worker_records_per_s * a.headroom
    accounts = one.lines / a.lines_per_account
    by_speed, by_memory = one.peak_per_s / planned, one.lines / a.lines_per_worker
    return f"""\
- records: {one.lines:,} x {a.records_per_line_day:g} / 86,400 s = {one.records_per_s:,.0f} a second;
  x {a.busiest:g} in the busiest hour = {one.peak_per_s:,.0f}
- workers: {one.peak_per_s:,.0f} / ({m.worker_records_per_s:,.0f} x {a.headroom:g} = {planned:,.0f}) = {by_speed:.2f} by speed,
  {one.lines:,} / {a.lines_per_worker:,.0f} = {by_memory:.2f} by memory; the larger, rounded up: {one.workers}
- partitions: at least 8, twice the workers, and one for {a.lines_per_partition:,.0f} lines, as a power of two: {one.partitions}
- memory of a worker: {a.base_bytes / GIB:g} GiB + {one.lines / one.workers:,.0f} lines x {m.worker_line_bytes_peak:,.0f} B
  while it recovers = {one.worker_gib:.1f} GiB
- call records: {one.lines:,} x {a.records_per_line_day:g} x {m.record_bytes:g} B x {a.days:g} days x {a.replication} copies
  = {one.topic_gib:,.0f} GiB, before compression
- state: {one.lines:,} x {m.worker_line_bytes:,.0f} B x 2 (before compaction) x {a.replication} copies = {one.state_gib:,.0f} GiB
- Redis: {accounts:,.0f} accounts x ({m.customer_bytes:g} + {m.happenings_bytes:g}) B
  + {one.lines * a.watched:,.0f} views x {m.view_bytes:g} B
  + {accounts * a.open_share:,.0f} open tasks x {m.task_bytes:,.0f} B = {one.redis_gib:.1f} GiB
"""


def page(text: str) -> str:
    """The document with its table and example made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}\nFor 5,000,000 lines, step by step:\n\n{example(sizing(5_000_000))}{END}{after}"


def main(arguments: Sequence[str] | None = None, path: Path = PAGE) -> int:
    """Check or write the document; 1 when the check finds it out of date."""
    parser = argparse.ArgumentParser(description="The table of sizes.")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", action="store_true", help="exit 1 when the document is not current")
    choice.add_argument("--write", action="store_true", help="renew the document")
    text = path.read_text(encoding="utf-8")
    made = page(text)
    if parser.parse_args(arguments).write:
        path.write_text(made, encoding="utf-8")
        return 0
    if made != text:
        sys.stderr.write(f"{path.name} is not current; run `{RENEW}`\n")
    return int(made != text)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _gib(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main())
