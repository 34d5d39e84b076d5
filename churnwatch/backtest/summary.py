"""A backtest in a few lines for the terminal."""

from collections.abc import Iterator

from churnwatch.backtest.run import Backtest
from models.evaluation.report_figures import NEED_TRUTH


def tell(result: Backtest) -> Iterator[str]:
    """The lines."""
    replayed, figures = result.replayed, result.figures
    yield (
        f"{replayed.events:,} events of {figures['lines']:,} lines in {result.seconds:.1f} s "
        f"({figures['events_per_s']:,} events/s); {figures['warnings']:,} warnings for {figures['warned_lines']:,} lines; "
        f"{replayed.labels_learned:,} labels learnt, {replayed.models_published} models"
    )
    if replayed.dead_letters:
        reasons = ", ".join(f"{reason} {count}" for reason, count in replayed.dead_letters.most_common())
        yield f"refused: {reasons}"
    for name in replayed.half_lines:
        yield f"note: {name} ends in half a line, which was left out; is it still being written?"
    if result.judgement is None:
        yield f"note: {result.directory.path} has no truth.jsonl; left out: {', '.join(NEED_TRUTH)}"
    elif not result.judgement.judged:
        days = result.lists.horizon_ms // 86_400_000
        yield f"note: no daily list has {days} days of records after it, so that the figures by list cannot be told"
    else:
        yield from _tell_judged(result)


def _tell_judged(result: Backtest) -> Iterator[str]:
    assert result.judgement is not None
    judged = result.judgement
    for name, part in (("all", judged.figures), ("undeclared", judged.undeclared)):
        told = part.as_dict()
        precision, recall = told["precision_at"], told["recall_at"]
        assert isinstance(precision, dict)
        assert isinstance(recall, dict)
        yield (
            f"{name:10}  average precision {_number(told['average_precision'])}  AUC {_number(told['auc'])}  "
            f"top 2 %: precision {_number(precision['0.02'])}, recall {_number(recall['0.02'])}"
        )
    figures = result.figures
    lead = figures["lead_time_days"]
    assert isinstance(lead, dict)
    yield (
        f"{figures['churners']:,} churners, base rate {_number(figures['base_rate'])}; lead time median "
        f"{_number(lead['p50'])} days, a week or more for {_number(figures['warned_7d_before'])}; "
        f"false alarms {_number(figures['false_alarms_per_1000_line_weeks'])} per 1,000 line-weeks"
    )


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "n/a"
