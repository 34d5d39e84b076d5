"""Draw real against simulated calling habits, and measure the scenarios, for docs/synthetic-operator.md.

    python benchmarks/operator_calibration.py [--data ../shared/data/copenhagen]

Writes docs/synthetic-operator-calibration.svg and prints the table of the document.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.operator.calibration import Habits, copenhagen_contacts, distance, measure, simulated_contacts
from pipeline.sources.operator.config import load_scenario

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "synthetic-operator-calibration.svg"
WIDTH, HEIGHT, MARGIN = 320, 220, 44
LOG_SECONDS = [(0, "1"), (2, "100"), (4, "10⁴"), (6, "10⁶")]
HOURS = [(0, "0"), (6, "6"), (12, "12"), (18, "18"), (23, "23")]
CONTACTS = [(0, "0"), (5, "5"), (10, "10"), (20, "20")]
LOG_RECORDS = [(-2, "0.01"), (0, "1"), (2, "100")]
STYLE = (
    "text{font:12px sans-serif;fill:#666}.title{font-weight:600}.axis,.curve{fill:none}"
    ".axis{stroke:#888}.curve{stroke-width:1.8}"
)
COLOURS = {"Copenhagen": "#1f5fa8", "simulated": "#c8551b"}
Points = list[tuple[float, float]]


def distribution(sample: NDArray[np.float64], *, logarithmic: bool) -> Points:
    """Points of the distribution function, at most 200."""
    at = np.linspace(0, len(sample) - 1, 200).astype(int)
    values = np.log10(np.maximum(sample[at], 1e-2)) if logarithmic else sample[at]
    return [(float(x), float((i + 1) / len(sample))) for x, i in zip(values, at, strict=True)]


def panel(place: int, title: str, unit: str, curves: dict[str, Points], ticks: Sequence[tuple[float, str]]) -> str:
    """One chart as an SVG group: both curves on the same axes."""
    low, high = ticks[0][0], ticks[-1][0]
    top = max(y for curve in curves.values() for _, y in curve)

    def at(x: float, y: float) -> str:
        inside = min(max((x - low) / (high - low), 0), 1)
        return f"{MARGIN + inside * (WIDTH - MARGIN - 12):.1f},{HEIGHT - MARGIN - y / top * (HEIGHT - MARGIN - 40):.1f}"

    parts = [f'<g transform="translate({place * WIDTH},0)">', f'<text x="{MARGIN}" y="20" class="title">{title}</text>']
    parts.append(f'<polyline class="axis" points="{at(low, top)} {at(low, 0)} {at(high, 0)}"/>')
    for value, label in ticks:
        x = at(value, 0).split(",")[0]
        parts.append(f'<text x="{x}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{label}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{unit}</text>')
    parts.append(f'<text x="{MARGIN - 6}" y="46" text-anchor="end">{top:.2g}</text>')
    for name, curve in curves.items():
        points = " ".join(at(x, y) for x, y in curve)
        parts.append(f'<polyline class="curve" stroke="{COLOURS[name]}" points="{points}"/>')
    return "\n".join([*parts, "</g>"])


def drawing(real: Habits, simulated: Habits) -> str:
    """Four charts side by side."""
    both = {"Copenhagen": real, "simulated": simulated}
    gaps = {name: distribution(habits.gaps_s, logarithmic=True) for name, habits in both.items()}
    hours = {name: [(float(i), float(y)) for i, y in enumerate(habits.hour_shares)] for name, habits in both.items()}
    contacts = {name: distribution(habits.contacts, logarithmic=False) for name, habits in both.items()}
    records = {name: distribution(habits.records_per_day, logarithmic=True) for name, habits in both.items()}
    charts = [
        panel(0, "Time between two contacts", "seconds (share up to)", gaps, LOG_SECONDS),
        panel(1, "Rhythm of the day", "local hour (share of contacts)", hours, HOURS),
        panel(2, "Contacts a person in 28 days", "contacts (share up to)", contacts, CONTACTS),
        panel(3, "Records a person and day", "records (share up to)", records, LOG_RECORDS),
    ]
    legend = "".join(
        f'<text x="{MARGIN + place * 110}" y="{HEIGHT + 18}" style="fill:{COLOURS[name]}">― {name}</text>'
        for place, name in enumerate(both)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {4 * WIDTH} {HEIGHT + 30}" role="img" '
        f'aria-label="Calling habits, real and simulated"><style>{STYLE}</style>\n'
        + "\n".join(charts)
        + f"\n{legend}</svg>\n"
    )


def table(real: Habits, simulated: Habits) -> str:
    """Quantiles of both, as a table in Markdown."""
    rows = ["| | 10 % | 50 % | 90 % | 99 % | largest difference |", "|---|---|---|---|---|---|"]
    for label, name in (
        ("time between contacts, s", "gaps_s"),
        ("contacts in 28 days", "contacts"),
        ("records a day", "records_per_day"),
    ):
        one, other = getattr(real, name), getattr(simulated, name)
        for who, sample in (("real", one), ("simulated", other)):
            cells = " | ".join(f"{value:,.2f}" for value in np.quantile(sample, [0.1, 0.5, 0.9, 0.99]))
            rows.append(f"| {label}, {who} | {cells} | {distance(one, other):.2f} |")
    rows.append(f"\nCorrelation of the hourly shares: {np.corrcoef(real.hour_shares, simulated.hour_shares)[0, 1]:.3f}")
    return "\n".join(rows)


def main() -> None:
    """Measure, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "copenhagen")
    folder = parser.parse_args().data
    real = measure(copenhagen_contacts(folder), 28)
    simulated = measure(simulated_contacts(load_scenario("calm", customers=600, days=28)), 28)
    OUT.write_text(drawing(real, simulated), encoding="utf-8")
    print(table(real, simulated))


if __name__ == "__main__":
    main()
