"""The catalogue of metrics and what is made from it."""

import re
from pathlib import Path

import pytest

from pipeline.metrics import CATALOGUE, METRICS_PORTS, Kind, Metrics, Process
from pipeline.metrics_document import main, metrics_document

#: Labels whose values come from closed lists. A customer, a line, a task or a free text is none of these.
CLOSED_LABELS = {
    "alarm", "change", "disposition", "group", "kind", "label", "level", "method", "outcome", "owner_kind", "process",
    "reason", "route", "signal", "stage", "step", "status", "stream", "version",
}  # fmt: skip


def test_every_name_is_ours_unique_and_counters_end_in_total() -> None:
    names = [spec.name for spec in CATALOGUE]

    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"churnwatch_[a-z][a-z0-9_]*[a-z0-9]", name)] == []
    assert [spec.name for spec in CATALOGUE if (spec.kind is Kind.COUNTER) != spec.name.endswith("_total")] == []


def test_times_say_seconds_in_their_name() -> None:
    assert [spec.name for spec in CATALOGUE if spec.unit == "s" and "_seconds" not in spec.name] == []


def test_no_label_can_name_a_customer() -> None:
    assert {label for spec in CATALOGUE for label in spec.labels} <= CLOSED_LABELS


def test_every_metric_says_what_it_means_and_only_histograms_have_rising_buckets() -> None:
    for spec in CATALOGUE:
        assert spec.meaning.endswith(".")
        assert bool(spec.buckets) == (spec.kind is Kind.HISTOGRAM)
        assert list(spec.buckets) == sorted(set(spec.buckets))


def test_no_two_processes_share_a_default_port() -> None:
    assert len(set(METRICS_PORTS.values())) == len(METRICS_PORTS)
    assert Process.EVERY not in METRICS_PORTS


def test_a_name_that_is_not_in_the_catalogue_raises() -> None:
    with pytest.raises(KeyError):
        Metrics().counter("churnwatch_surprises_total")


def test_a_gauge_is_not_given_out_as_a_counter() -> None:
    with pytest.raises(KeyError):
        Metrics().counter("churnwatch_lines")


def test_wrong_labels_raise() -> None:
    with pytest.raises(ValueError, match=r"[Ll]abel"):
        Metrics().counter("churnwatch_records_total", customer="alice")


def test_what_is_counted_is_told_under_its_labels() -> None:
    metrics = Metrics()

    metrics.counter("churnwatch_records_total", stream="cdr").inc(500)
    metrics.gauge("churnwatch_lines").set(7)
    metrics.histogram("churnwatch_decision_age_seconds").observe(0.3)

    told = metrics.registry.get_sample_value
    assert told("churnwatch_records_total", {"stream": "cdr"}) == 500
    assert told("churnwatch_lines") == 7
    assert told("churnwatch_decision_age_seconds_bucket", {"le": "0.25"}) == 0
    assert told("churnwatch_decision_age_seconds_bucket", {"le": "0.5"}) == 1


def test_two_sets_of_metrics_do_not_share_counts() -> None:
    first, second = Metrics(), Metrics()

    first.counter("churnwatch_records_total", stream="cdr").inc()

    assert second.registry.get_sample_value("churnwatch_records_total", {"stream": "cdr"}) is None


def test_the_document_has_a_row_for_every_metric() -> None:
    text = metrics_document()

    assert [spec.name for spec in CATALOGUE if text.count(f"| `{spec.name}` |") != 1] == []


def test_a_document_that_is_not_current_is_found_and_renewed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "metrics.md"

    assert main(["--check"], document) == 1
    assert "metrics_document --write" in capsys.readouterr().err
    assert main(["--write"], document) == 0
    assert main(["--check"], document) == 0
