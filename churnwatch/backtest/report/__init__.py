"""One self-contained HTML page about a backtest, for a manager to read."""

from churnwatch.backtest.report.page import write_report

__all__ = ["write_report"]
