"""The demo's figures as the one object that `--json` prints."""

from collections import Counter
from collections.abc import Mapping

from churnwatch.demo.figures import Figures, whole


def summary(figures: Figures, seconds: float, malformed: int) -> dict[str, object]:
    """Keys as promised: counts over the whole run, and the rate over its wall time.

    `malformed_put_in` is what the synthetic operator spoilt on purpose; `dead_letters` must equal it.
    """
    events = whole(figures.total("churnwatch_records_total"))
    return {
        "events": events,
        "lines": whole(figures.total("churnwatch_lines")),
        "warnings": whole(figures.total("churnwatch_warnings_total")),
        "warnings_by_signal": warnings_by_signal(figures.by("churnwatch_warnings_total")),
        "tasks": whole(figures.total("churnwatch_tasks_created_total")),
        "tasks_closed": whole(figures.total("churnwatch_tasks_closed_total")),
        "labels_learned": whole(figures.total("churnwatch_labels_learned_total")),
        "models_published": whole(figures.total("churnwatch_models_published_total")),
        "events_per_s": round(events / seconds, 1) if seconds else 0.0,
        "dead_letters": whole(figures.total("churnwatch_dead_letters_total")),
        "malformed_put_in": malformed,
        "seconds": round(seconds, 1),
    }


def warnings_by_signal(samples: Mapping[str, float]) -> dict[str, int]:
    """Counts by signal from samples labelled `level,signal`; the most frequent first.

    >>> warnings_by_signal({"watch,silence": 2.0, "warn,silence": 1.0, "warn,complaint": 1.0})
    {'silence': 3, 'complaint': 1}
    """
    counts: Counter[str] = Counter()
    for labels, value in samples.items():
        counts[labels.partition(",")[2]] += whole(value)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
