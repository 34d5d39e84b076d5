"""Small replay directories, written record by record."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

DAY_MS = 86_400_000
START_MS = 20_000 * DAY_MS

Raw = Mapping[str, object]


def call(number: int, received_ms: int, account: str = "a1", **more: object) -> Raw:
    """A call record of the first line of an account."""
    return {
        "record_id": f"c{number}", "ts_ms": received_ms, "account_id": account, "line_id": f"{account}-1",
        "service": "voice", "direction": "mo", "peer_operator": "self", "peer_kind": "subscriber", "duration_s": 60.0,
        "charge": 0.5, "roaming": False, **more,
    }  # fmt: skip


def customer(account: str = "a1", ts_ms: int = START_MS) -> Raw:
    """An account with one line."""
    return {
        "ts_ms": ts_ms, "account_id": account, "segment": "public", "star": 0, "region": "r", "lines": [f"{account}-1"],
        "consent": {"call": True},
    }  # fmt: skip


def write_stream(folder: Path, stream: str, records: Sequence[Raw]) -> Path:
    """`<stream>.jsonl` with these records."""
    path = folder / f"{stream}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def small_directory(folder: Path, days: int = 3) -> Path:
    """One customer who calls every six hours."""
    write_stream(folder, "customers", [customer()])
    write_stream(folder, "cdr", [call(hour, START_MS + hour * 3_600_000) for hour in range(0, days * 24, 6)])
    return folder
