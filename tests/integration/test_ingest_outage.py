import json
import os
import subprocess
import sys
from pathlib import Path

from churnwatch.embedded import EmbeddedServices


def test_a_broker_that_dies_on_the_way_ends_the_ingest_with_a_message(tmp_path: Path) -> None:
    path = tmp_path / "cdr.jsonl"
    line = json.dumps({"account_id": "a", "ts_ms": 1, "filler": "x" * 200}) + "\n"
    path.write_text(line * 600_000)
    with EmbeddedServices(redis_url="redis://not-needed") as services:
        environment = {
            **os.environ,
            **services.environment(),
            "CHURNWATCH_INGEST__STATE_DIR": str(tmp_path / "state"),
            "CHURNWATCH_KAFKA__CONNECT_TIMEOUT_S": "2",
        }
        run = subprocess.Popen(
            [sys.executable, "-m", "churnwatch", "ingest", str(path)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while not (tmp_path / "state" / "positions.json").exists():
            assert run.poll() is None
        os.kill(services.pids()["broker"], 9)
        output, errors = run.communicate(timeout=60)
    assert run.returncode == 1, output
    assert "Kafka at 127.0.0.1" in errors
    assert "run the same command again" in errors
    assert "Traceback" not in errors
