"""The catalogue and the code agree: what is listed is reported, and what is reported is listed, as the same kind."""

import re
from pathlib import Path

import pytest

from pipeline.metrics import CATALOGUE

PACKAGES = ("churnwatch", "alerts", "models", "pipeline")


@pytest.fixture(scope="module")
def sources(repository: Path) -> str:
    """All our code but the catalogue."""
    files = [path for package in PACKAGES for path in sorted((repository / package).rglob("*.py"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path.name != "metrics.py")


def test_every_metric_of_the_catalogue_is_reported_by_some_process(sources: str) -> None:
    assert [spec.name for spec in CATALOGUE if f'"{spec.name}"' not in sources] == []


def test_every_metric_that_is_reported_is_in_the_catalogue_as_that_kind(sources: str) -> None:
    reported = set(re.findall(r'\.(counter|gauge|histogram)\(\s*"(churnwatch_\w+)"', sources))

    assert reported
    assert reported - {(spec.kind.value, spec.name) for spec in CATALOGUE} == set()
