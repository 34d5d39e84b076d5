"""`churnwatch ingest` as its users run it, and a run that is killed on the way."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fakes.command_line import run_command

RUN_TIMEOUT_S = 60
#: Runs the ingest of the paths in sys.argv[2:] and kills itself without warning after sys.argv[1] records.
KILLED_RUN = """
import os, signal, sys
from pathlib import Path
from churnwatch.ingest.formats import Formats
from churnwatch.ingest.plan import plan_files
from churnwatch.ingest.run import Ingest
from churnwatch.settings import settings
limit = int(sys.argv[1])
def kill(_bytes, records):
    if records >= limit:
        os.kill(os.getpid(), signal.SIGKILL)
plan = plan_files([Path(path) for path in sys.argv[2:]], None, None)
Ingest(settings(), plan, Formats(settings()).reader).run(kill)
"""


def ingest(environment: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return run_command("ingest", *arguments, environment=environment)


def summary_of(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON object in the last line."""
    assert run.returncode == 0, run.stderr
    summary: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return summary


def ingest_and_be_killed(environment: dict[str, str], after_records: int, *paths: Path) -> None:
    """Start an ingest that is killed with -9 once it has handed so many records to the producer."""
    run = subprocess.run(
        [sys.executable, "-c", KILLED_RUN, str(after_records), *map(str, paths)],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False,
    )  # fmt: skip
    assert run.returncode == -signal.SIGKILL, run.stderr
