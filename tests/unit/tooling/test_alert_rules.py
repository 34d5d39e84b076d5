"""Alert rules: valid, tested, explained, and about metrics that exist."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.metrics import CATALOGUE

SEVERITIES = {"warning", "critical"}


@pytest.fixture(scope="module")
def rules(repository: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load((repository / "config/prometheus/rules.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def run(promtool: str, *arguments: str, folder: Path) -> None:
    done = subprocess.run([promtool, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_its_configuration_and_the_rules(promtool: str, repository: Path) -> None:
    run(promtool, "check", "config", "config/prometheus/prometheus.yml", folder=repository)


def test_alerts_fire_when_they_should_and_only_then(promtool: str, repository: Path) -> None:
    run(promtool, "test", "rules", "tests/unit/tooling/alert_rules.yml", folder=repository)


def test_every_alert_has_a_unit_test_in_which_it_fires(repository: Path, rules: list[dict[str, Any]]) -> None:
    document = yaml.safe_load((repository / "tests/unit/tooling/alert_rules.yml").read_text(encoding="utf-8"))
    fired = {
        check["alertname"] for test in document["tests"] for check in test["alert_rule_test"] if check.get("exp_alerts")
    }

    assert fired == {rule["alert"] for rule in rules}


def test_every_alert_says_what_it_is_and_where_its_runbook_is(repository: Path, rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        name = rule["alert"]
        assert re.fullmatch(r"([A-Z][a-z]+)+", name), name
        assert rule["labels"]["severity"] in SEVERITIES, name
        assert rule["annotations"]["summary"], name
        assert rule["annotations"]["description"].endswith("."), name
        assert rule["annotations"]["runbook_url"] == f"docs/operations/runbooks/{name}.md"


def test_every_alert_has_a_runbook_and_every_runbook_an_alert(repository: Path, rules: list[dict[str, Any]]) -> None:
    pages = {page.stem for page in (repository / "docs/operations/runbooks").glob("*.md")}

    assert pages == {rule["alert"] for rule in rules}


def test_every_runbook_answers_the_same_five_questions(repository: Path) -> None:
    asked = ["What it means", "What is felt", "Look", "Mend", "Mended when"]

    for page in (repository / "docs/operations/runbooks").glob("*.md"):
        assert re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE) == asked, page.name


def test_every_metric_in_a_rule_is_in_the_catalogue(rules: list[dict[str, Any]]) -> None:
    known = {spec.name for spec in CATALOGUE}
    named = {name for rule in rules for name in re.findall(r"\bchurnwatch_\w+", rule["expr"])}

    assert named
    assert named <= known
