"""What our scores were worth before they learnt from labels that are told without bias, calibrated and judged.

Measured once, on 2026-11-22: the code of the commit before that (46671c6) replayed the directories that `benchmarks/quality.py`
simulates by default, `churnwatch backtest DIR --json`. Today's code gives in such a replay what the page says of `churnwatch`
(calm and feed-silent, seeds 21 and 22: within 0.001).
"""

from collections.abc import Mapping

CUSTOMERS, DAYS, SEEDS = 1000, 90, range(21, 24)
#: Average precision by scenario: of all lines, of those whose leaving is not declared.
BEFORE: Mapping[str, tuple[float, float]] = {
    "calm": (0.094, 0.081),
    "feed-silent": (0.094, 0.081),
    "festival": (0.093, 0.080),
    "key-accounts": (0.262, 0.250),
    "outage": (0.139, 0.079),
    "prepaid": (0.153, 0.124),
    "price-war": (0.100, 0.083),
}


def before_and_after(after: Mapping[str, tuple[float, float]]) -> list[str]:
    """Lines of a table in Markdown; `after`: average precision of today as in `BEFORE`."""
    rows = []
    for scenario, (now, undeclared) in after.items():
        then, then_undeclared = BEFORE[scenario]
        told = f"{then:.3f} ({then_undeclared:.3f}) | {now:.3f} ({undeclared:.3f}) | {now / then:.2f}"
        rows.append(f"| {scenario} | {told} |")
    return ["| scenario | before | now | times |", "|---|---|---|---|", *rows]
