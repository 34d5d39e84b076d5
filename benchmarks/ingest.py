"""How many records a second go from JSON lines into Kafka, all acknowledged (bar: 100,000).

    python benchmarks/ingest.py [--records N] [--json]

Writes a file of 280-byte call records of 200,000 lines, starts the embedded broker unless KAFKA_BOOTSTRAP names one,
and runs the ingest that `churnwatch ingest` runs, in this process.
"""

import argparse
import json
import os
import random
import tempfile
from pathlib import Path

from churnwatch.embedded import EmbeddedServices
from churnwatch.ingest.formats import Formats
from churnwatch.ingest.plan import plan_files
from churnwatch.ingest.run import Ingest, Summary
from churnwatch.logs import configure_logs
from churnwatch.settings import read_settings

BAR_RECORDS_PER_S = 100_000
LINES = 200_000
START_MS = 1_772_409_600_000


def main() -> None:
    """Run it and print the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    configure_logs("bench")
    with tempfile.TemporaryDirectory(prefix="churnwatch-bench-") as folder:
        path = Path(folder) / "cdr.jsonl"
        write_calls(path, options.records)
        summary = run(path, Path(folder))
        figures = {
            "records": summary.records,
            "bytes_per_record": round(path.stat().st_size / options.records, 1),
            "seconds": summary.seconds,
            "records_per_s": summary.records_per_s,
            "bar_records_per_s": BAR_RECORDS_PER_S,
            "dead_letters": summary.dead_letters,
        }
    print(
        json.dumps(figures) if options.json else f"{summary.records_per_s:,.0f} records/s (bar {BAR_RECORDS_PER_S:,})"
    )


def run(path: Path, folder: Path) -> Summary:
    """Ingest the file once, into topics of their own."""
    with EmbeddedServices(os.environ.get("KAFKA_BOOTSTRAP", ""), "redis://not-needed") as services:
        environ = {
            **services.environment(),
            "CHURNWATCH_KAFKA__TOPIC_PREFIX": f"bench{os.getpid()}",
            "CHURNWATCH_INGEST__STATE_DIR": str(folder / "state"),
        }
        settings = read_settings(environ=environ)
        return Ingest(settings, plan_files([path], None, None), Formats(settings).reader).run()


def write_calls(path: Path, records: int) -> None:
    """Calls of `LINES` lines with uniform keys, in the order of time."""
    choice = random.Random(7)
    with open(path, "w", encoding="utf-8") as file:
        for number in range(records):
            line = choice.randrange(LINES)
            call = {
                "record_id": f"r{number:09d}",
                "ts_ms": START_MS + number * 10,
                "account_id": f"a{line:07d}",
                "line_id": f"l{line:07d}",
                "service": "voice",
                "direction": "mo" if number % 2 else "mt",
                "peer_id": f"p{choice.randrange(10**7):07d}",
                "peer_operator": "self",
                "peer_kind": "subscriber",
                "duration_s": round(choice.expovariate(1 / 90), 1),
                "charge": 0.15,
                "roaming": False,
            }
            file.write(json.dumps(call) + "\n")


if __name__ == "__main__":
    main()
