"""`churnwatch simulate --rate`: the synthetic operator straight into the input topics."""

import json
import os
import subprocess
import sys

from churnwatch.settings import Settings
from pipeline.events import Stream
from tests.fakes.topic_reader import read_topic


def test_a_rate_is_kept_and_every_record_is_in_its_topic(
    test_environment: dict[str, str], test_settings: Settings
) -> None:
    command = [
        sys.executable,
        "-m",
        "churnwatch",
        "simulate",
        "--rate",
        "2000",
        "--customers",
        "50",
        "--days",
        "15",
        "--json",
    ]
    run = subprocess.run(
        command, env={**os.environ, **test_environment}, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    figures = json.loads(run.stdout.splitlines()[-1])
    assert sum(len(read_topic(test_settings, stream.value)) for stream in Stream) == figures["records"]
    assert figures["records_per_s"] <= 2200


def test_a_directory_and_a_rate_at_once_are_wrong_use(tmp_path: object) -> None:
    command = [sys.executable, "-m", "churnwatch", "simulate", "--rate", "2000", "--out", f"{tmp_path}/x"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 2
    assert "--out" in run.stderr
