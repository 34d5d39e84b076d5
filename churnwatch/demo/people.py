"""The hidden types of the synthetic operator's customers, for those who play them on the phone."""

from pathlib import Path

import msgspec

from pipeline.sources.operator.config import OperatorConfig
from pipeline.sources.operator.hidden import hidden_accounts
from pipeline.sources.operator.population import build_population


def write_people(operator: OperatorConfig, folder: Path) -> Path:
    """Write the operator's hidden accounts, one JSON object a line; returns the file."""
    path = folder / "people.jsonl"
    lines = (msgspec.json.encode(one) for one in hidden_accounts(operator, build_population(operator)))
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path
