"""Dashboards: each panel explained, each query valid and about metrics and labels that exist."""

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.metrics import CATALOGUE, Kind

FOLDER = Path(__file__).resolve().parents[3] / "config" / "grafana" / "dashboards"
DASHBOARDS = sorted(FOLDER.glob("*.json"))
#: Labels that Prometheus adds, and the one of histogram buckets.
ADDED_LABELS = {"job", "instance", "le"}
#: The variables that Grafana puts in before it asks Prometheus.
VARIABLES = {"$__rate_interval": "1m", "$job": ".+", "$instance": ".+"}


def panels_of(path: Path) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["panels"]
    return panels


PANELS = [
    pytest.param(panel, id=f"{path.stem}: {panel.get('title')}") for path in DASHBOARDS for panel in panels_of(path)
]


def queries(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


def sample_names() -> dict[str, set[str]]:
    """Names as Prometheus stores them, with their labels."""
    names: dict[str, set[str]] = {"process_resident_memory_bytes": set(), "up": set()}
    for spec in CATALOGUE:
        suffixes = ("_bucket", "_sum", "_count") if spec.kind is Kind.HISTOGRAM else ("",)
        names |= {spec.name + suffix: set(spec.labels) for suffix in suffixes}
    return names


def test_there_is_a_dashboard() -> None:
    assert DASHBOARDS


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_has_title_description_and_unit(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_the_chosen_data_source_about_the_chosen_processes(panel: dict[str, Any]) -> None:
    assert panel["datasource"]["uid"] == "${datasource}"
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        assert 'instance=~"$instance"' in target["expr"]
        assert "job=" in target["expr"]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_for_metrics_and_labels_of_the_catalogue(panel: dict[str, Any]) -> None:
    known = sample_names()
    for target in panel["targets"]:
        named = set(re.findall(r"\b(?:churnwatch|process)_\w+|\bup\b", target["expr"]))
        assert named
        assert named <= set(known)
        grouped = {label for inner in re.findall(r"by \(([^)]*)\)", target["expr"]) for label in inner.split(", ")}
        shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        assert grouped | shown <= ADDED_LABELS.union(*(known[name] for name in named))


@pytest.mark.parametrize("panel", PANELS)
def test_counters_are_asked_for_by_rate(panel: dict[str, Any]) -> None:
    for expression in queries(panel):
        for counter in re.findall(r"(\w+\()(?=churnwatch_\w+_(?:total|bucket)\b)", expression):
            assert counter in {"rate(", "increase("}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_have_their_own_id_and_place(path: Path) -> None:
    panels = panels_of(path)

    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_prometheus_understands_every_query(promtool: str, tmp_path: Path) -> None:
    expressions = [expression for path in DASHBOARDS for panel in panels_of(path) for expression in queries(panel)]
    for variable, value in VARIABLES.items():
        expressions = [expression.replace(variable, value) for expression in expressions]
    rules = [{"record": f"panel:query:{index}", "expr": expression} for index, expression in enumerate(expressions)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")

    done = subprocess.run(
        [promtool, "check", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_runbook_that_a_panel_names_exists_and_its_threshold_is_the_alerts(repository: Path) -> None:
    document = yaml.safe_load((repository / "config/prometheus/rules.yml").read_text(encoding="utf-8"))
    limits = {
        rule["alert"]: [float(number) for number in re.findall(r"> ([\d.]+)", rule["expr"])]
        for group in document["groups"]
        for rule in group["rules"]
    }

    for path in DASHBOARDS:
        for panel in panels_of(path):
            named = re.search(r"runbooks/(\w+)\.md", panel["description"])
            if named is None:
                continue
            assert named[1] in limits
            red = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"] if step["value"]]
            assert set(red) <= {*limits[named[1]], 1.0}
