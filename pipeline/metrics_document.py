"""docs/metrics.md from the catalogue: `python -m pipeline.metrics_document --write` renews it, `--check` compares."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.generated_document import renew_or_check
from pipeline.metrics import CATALOGUE, METRICS_PORTS, MetricSpec, Process

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
RENEW = "python -m pipeline.metrics_document --write"


def metrics_document(catalogue: Sequence[MetricSpec] = CATALOGUE) -> str:
    """The catalogue as Markdown, one table a process."""
    lines = [
        "# Metrics",
        "",
        f"Written from `pipeline/metrics.py` by `{RENEW}`; do not edit.",
        "",
        "Each process serves `/metrics` on one port: `metrics.port` of the settings, or where that is 0 its default.",
        "Beside these, each tells its CPU time, memory and open files under the usual names (`process_...`).",
        "Telemetry is written per block or per decision; no label ever names a customer, a line or a task.",
        "",
        "| process | default port |",
        "|---|---|",
        *(f"| {process} | {port} |" for process, port in METRICS_PORTS.items()),
    ]
    for process in Process:
        rows = [_row(spec) for spec in catalogue if spec.process is process]
        lines += [
            "",
            f"## {process}",
            "",
            "| metric | type | unit | labels | meaning |",
            "|---|---|---|---|---|",
            *rows,
        ]
    return "\n".join(lines) + "\n"


def _row(spec: MetricSpec) -> str:
    labels = ", ".join(f"`{label}`" for label in spec.labels)
    return f"| `{spec.name}` | {spec.kind} | {spec.unit} | {labels} | {spec.meaning} |"


def main(arguments: Sequence[str] | None = None, document: Path = DOCUMENT) -> int:
    """Check or write the document; 1 when the check finds it out of date."""
    return renew_or_check(arguments, metrics_document(), document, RENEW)


if __name__ == "__main__":
    sys.exit(main())
