"""What the tests of tools and configuration share."""

import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout under test."""
    return Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def promtool() -> str:
    """Prometheus's own checker; without it these tests are skipped at home and fail in CI."""
    program = shutil.which("promtool")
    if program is None:
        missing = "promtool is not installed: apt-get install prometheus"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return program
