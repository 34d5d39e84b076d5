"""`churnwatch demo --headless --json`: the whole product, from records to labels that are learnt, in one command.

DEMO_CUSTOMERS=2000 runs the size that has to be through in three minutes, as CI does; otherwise fewer people and days, and
six ticks a day instead of 24 in two partitions instead of eight: each tick of each costs the same however few people there are.
"""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

KEYS = {
    "events", "lines", "warnings", "warnings_by_signal", "tasks", "tasks_closed", "labels_learned", "models_published",
    "events_per_s", "dead_letters", "seconds", "invariants_broken", "contacts", "dispositions", "tasks_by_purpose",
}  # fmt: skip
IN_FULL = "DEMO_CUSTOMERS" in os.environ
CUSTOMERS, DAYS = (os.environ["DEMO_CUSTOMERS"], "60") if IN_FULL else ("300", "45")
SMALL = {"CHURNWATCH_ENGINE__TICK_S": "14400", "CHURNWATCH_KAFKA__PARTITIONS": "2"}
LIMIT_S = 180.0


def test_the_headless_demo_shows_every_stage_at_work_and_leaves_no_process() -> None:
    command = [
        sys.executable,
        "-m",
        "churnwatch",
        "demo",
        "--headless",
        "--json",
        "--customers",
        CUSTOMERS,
        "--days",
        DAYS,
    ]
    mark = f"DEMO_MARK={uuid.uuid4().hex}"
    run = subprocess.run(
        ["env", mark, *command],
        env={**os.environ, **({} if IN_FULL else SMALL)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S + 60,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    figures = json.loads(run.stdout.splitlines()[-1])
    assert figures.keys() >= KEYS
    for name in ("events", "lines", "warnings", "tasks", "tasks_closed", "labels_learned", "models_published"):
        assert figures[name] > 0, figures
    assert sum(count > 0 for count in figures["warnings_by_signal"].values()) >= 6
    assert figures["dead_letters"] == figures["malformed_put_in"] > 0
    assert figures["invariants_broken"] == 0, figures["invariants_examples"]
    assert figures["contacts"] > 50
    # What staff and dialer did reached the operator's customers, and some of their futures are others now.
    assert figures["lines_contacted"].get("swayed", 0) + figures["lines_contacted"].get("kept", 0) > 0
    assert {"retention", "return_visit", "win_back"} <= set(figures["tasks_by_purpose"])
    assert figures["seconds"] < LIMIT_S
    assert _processes_with(mark) == []


def test_a_worker_killed_during_the_demo_is_started_again_and_the_demo_goes_on() -> None:
    command = [sys.executable, "-m", "churnwatch", "demo", "--headless", "--json", "--customers", "200", "--days", "20"]
    demo = subprocess.Popen(
        [*command, "--speed", "80000"],
        env={**os.environ, **SMALL}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.kill(_worker_of(demo.pid), signal.SIGKILL)
    output, errors = demo.communicate(timeout=LIMIT_S)
    assert demo.returncode == 0, errors[-3000:]
    assert "process.died" in errors
    figures = json.loads(output.splitlines()[-1])
    assert figures["events"] > 10_000
    assert figures["warnings"] > 0


def _worker_of(demo_pid: int) -> int:
    """Process id of the demo's worker, once it has worked for a while."""
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        listed = subprocess.run(
            ["ps", "-eo", "pid,ppid,etimes,args"], capture_output=True, text=True, check=True
        ).stdout.splitlines()[1:]
        for pid, parent, age_s, *words in (line.split() for line in listed):
            if int(parent) == demo_pid and words[-1] == "worker" and int(age_s) >= 12:
                return int(pid)
        time.sleep(0.2)
    raise AssertionError("the demo started no worker")


def _processes_with(mark: str) -> list[int]:
    """Processes that inherited the mark from the demo that was given it."""
    marked = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environment.read_bytes():
                marked.append(int(environment.parent.name))
        except OSError:
            continue
    return marked
