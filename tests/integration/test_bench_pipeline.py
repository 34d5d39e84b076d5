"""`churnwatch bench pipeline` on the real broker, small: worker, limit and plain Faust app all come through."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.long


def test_it_prints_the_keys_of_the_contract_and_figures_that_fit_together() -> None:
    command = [
        "bench",
        "pipeline",
        "--lines",
        "500",
        "--records",
        "20000",
        "--peer-s",
        "2",
        "--commit-s",
        "5",
        "--json",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "churnwatch", *command], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures.keys() >= {
        "limit_events_per_s", "plain_faust_events_per_s", "events_per_s", "ratio_to_limit", "speedup_over_plain_faust",
        "cpu_s_per_million",
    }  # fmt: skip
    assert min(figures.values()) > 0
    assert abs(figures["ratio_to_limit"] - figures["events_per_s"] / figures["limit_events_per_s"]) < 0.01
