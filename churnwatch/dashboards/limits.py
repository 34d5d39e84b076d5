"""The limits of the alert rules, so that a panel turns red where its alert fires and nowhere else."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

RULES = Path(__file__).resolve().parents[2] / "config" / "prometheus" / "rules.yml"
LIMIT = re.compile(r"(?P<side>[<>])=?\s*(?P<value>\d+(?:\.\d+)?)")
RUNBOOK = "docs/operations/runbooks/{alert}.md"


@dataclass(frozen=True, slots=True)
class Limit:
    """Where an alert begins: above the value, or below it."""

    alert: str
    value: float
    above: bool

    @property
    def runbook(self) -> str:
        """The page that says what to do."""
        return RUNBOOK.format(alert=self.alert)


def limits(path: Path = RULES) -> dict[str, Limit]:
    """The first limit in each alert's expression, by alert; alerts without one (`absent`) are left out."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    rules = [rule for group in document["groups"] for rule in group["rules"] if "alert" in rule]
    found = {}
    for rule in rules:
        match = LIMIT.search(rule["expr"])
        if match is not None:
            found[rule["alert"]] = Limit(rule["alert"], float(match["value"]), match["side"] == ">")
    return found
