"""What the demo's processes say of themselves, read from their /metrics."""

import math
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

TIMEOUT_S = 2.0


@dataclass(slots=True)
class Figures:
    """Samples of all processes: metric name -> label values -> value. A restarted process keeps what it had counted."""

    samples: dict[str, dict[str, float]] = field(default_factory=dict)

    def total(self, name: str) -> float:
        """Sum over all label values; NaN when one is NaN, 0 when the metric is not there."""
        return sum(self.samples.get(name, {}).values())

    def by(self, name: str) -> dict[str, float]:
        """Values by label values (joined by a comma)."""
        return self.samples.get(name, {})


class FigureReader:
    """Reads several endpoints; counters of a process that was restarted go on from what the one before had reached."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, str, str], float] = {}
        self._base: dict[tuple[int, str, str], float] = {}

    def read(self, ports: Iterable[int]) -> Figures:
        """Figures of all processes that answer; the others keep their last ones."""
        for port in ports:
            for (name, labels, is_counter), value in _scrape(port).items():
                key = (port, name, labels)
                if is_counter and value < self._last.get(key, 0.0):
                    self._base[key] = self._base.get(key, 0.0) + self._last[key]
                self._last[key] = value
        figures = Figures()
        for (port, name, labels), value in self._last.items():
            known = figures.samples.setdefault(name, {})
            known[labels] = known.get(labels, 0.0) + value + self._base.get((port, name, labels), 0.0)
        return figures


def _scrape(port: int) -> Mapping[tuple[str, str, bool], float]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT_S) as answer:
            text = answer.read().decode()
    except (urllib.error.URLError, OSError):
        return {}
    found: dict[tuple[str, str, bool], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("churnwatch_"):
                labels = ",".join(sample.labels[name] for name in sorted(sample.labels))
                found[(sample.name, labels, family.type == "counter")] = sample.value
    return found


def whole(value: float) -> int:
    """A count for people; NaN counts as 0."""
    return 0 if math.isnan(value) else round(value)
