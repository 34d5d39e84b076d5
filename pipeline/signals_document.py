"""docs/signals.md from the registry, the policy, the pages and what was measured.

`python -m pipeline.signals_document --write` renews it, `--check` compares. The figures come from docs/signals-measured.json,
which `python benchmarks/signals.py` writes.
"""

import inspect
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.customer_kinds import KINDS
from pipeline.generated_document import renew_or_check
from pipeline.ladder_pack import LadderPack, read_ladder
from pipeline.policy import HardPolicy, SignalPolicy, SoftPolicy, read_policy
from pipeline.signals.all_pages import PAGES
from pipeline.signals.pages import SignalPage
from pipeline.signals.registry import ACCOUNT_SIGNALS, RECORD_SIGNALS, SOFT_SIGNAL_NAMES, SWEPT_SIGNALS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "signals.md"
MEASURED = ROOT / "docs" / "signals-measured.json"
POLICY_FILE = ROOT / "config" / "policies" / "signals.toml"
COUNTRIES = ROOT / "config" / "countries"
RENEW = "python -m pipeline.signals_document --write"
HEAD = (
    "# Signals",
    "",
    f"Written by `{RENEW}` from the registry, `config/policies/signals.toml`, `config/countries`",
    "and `docs/signals-measured.json` (`python benchmarks/signals.py`); do not edit.",
    "",
    "Each signal has a strength in [0, 1]. Its episode begins at `on` and ends below `off` (gradual signals), or begins at",
    "its record and ends after its days or by another record (orders and care). Before anything is learnt the score of a",
    "line is the prior 1 - (1 - base rate) x product of (1 - weight x strength) over the signals of the line and its account",
    "that are on: a noisy-or (Pearl 1988, section 4.3.2). A weight is the probability that a line with the signal at full",
    "strength leaves within 30 days. Warnings at a record use it; the daily score adds circumstances until a model takes over",
    "(docs/learning.md), and the customer page then shows the prior beside the model's score.",
)
Measured = Mapping[str, Any]
#: What computes the strength of each gradual signal; its docstring is the formula.
FORMULAS: dict[str, object] = {
    **{signal.name: signal.strength for signal in SWEPT_SIGNALS},
    **{signal.name: signal.strength for signal in ACCOUNT_SIGNALS},
    **RECORD_SIGNALS,
}


def signals_document(policy: SignalPolicy, ladders: Mapping[str, LadderPack], measured: Measured) -> str:
    """The whole document as Markdown."""
    lines = [*HEAD, *_out(policy, measured), *_in(measured), *_together(measured), *_alone(measured)]
    for title, names in _chapters(policy):
        lines += ["", f"## {title}"]
        for name in names:
            lines += ["", *_page(name, policy, ladders, measured)]
    return "\n".join(lines) + "\n"


def _chapters(policy: SignalPolicy) -> list[tuple[str, list[str]]]:
    rungs = [rung for rung in policy.ladder.rungs if rung in policy.hard]
    return [
        ("Gradual signals", sorted(policy.soft)),
        ("Port ladder", rungs),
        ("Orders and care", sorted(set(policy.hard) - set(rungs))),
    ]


def _page(name: str, policy: SignalPolicy, ladders: Mapping[str, LadderPack], measured: Measured) -> list[str]:
    page: SignalPage = PAGES[name]
    soft = policy.soft.get(name)
    how = _soft_terms(soft) if soft is not None else _hard_terms(policy.hard[name])
    formula = inspect.getdoc(FORMULAS[name]) or "" if soft is not None else _hard_formula(policy.hard[name])
    lines = [
        f"### `{name}`",
        "",
        page.meaning,
        "",
        f"- Origin `{policy.origin(name)}`, prior weight {policy.weight(name):g}; {how}.",
        *_out_line(name, policy),
        f"- Could be benign: {page.benign}",
        f"- Example: {page.example}",
    ]
    clocks = _clocks(name, ladders)
    lines += [f"- Days left by country: {clocks}."] if clocks else []
    lines += ["", "Strength:", "", *(f"> {line}".rstrip() for line in formula.split("\n"))]
    return lines + _measured_rows(name, measured)


def _out_line(name: str, policy: SignalPolicy) -> list[str]:
    kinds = policy.soft[name].out_for if name in policy.soft else KINDS if policy.hard[name].out else ()
    return [f"- Evidence only for: {', '.join(kinds)}."] if kinds else []


def _soft_terms(soft: SoftPolicy) -> str:
    levels = [
        f"{level} from {at:g}" for level, at in (("warn", soft.warn_at), ("critical", soft.critical_at)) if at < 1.0
    ]
    return f"on at {soft.on:g}, off below {soft.off:g}; {', '.join(levels) or 'only watches'}"


def _hard_terms(hard: HardPolicy) -> str:
    ends = f", ended by {', '.join(f'`{kind}`' for kind in hard.ended_by)}" if hard.ended_by else ""
    begins = f"begun by {', '.join(f'`{kind}`' for kind in hard.started_by)}, " if hard.started_by else ""
    return f"{begins}stands {hard.days:g} days{ends}; {hard.days_left:g} days left to act; level {hard.level.value}"


def _hard_formula(hard: HardPolicy) -> str:
    parts = [f"{hard.strength:g}"]
    parts += [f"{hard.per_repeat:g} for each repeat within 90 days"] if hard.per_repeat else []
    parts += [f"{hard.per_severity:g} for each step of severity above 1"] if hard.per_severity else []
    parts += (
        [f"{hard.per_point:g} for each point below {hard.score_below:g}"] if hard.per_point and hard.score_below else []
    )
    grows = f"{hard.per_open_day:g} for each of the first {hard.open_days_max:g} days that it is open"
    parts += [grows] if hard.per_open_day else []
    wait = f" It begins {hard.after_days:g} days after its record ({_products(hard)})." if hard.waits else ""
    return f"{' + '.join(parts)}, at most 1; fades linearly to half over its days.{wait}"


def _products(hard: HardPolicy) -> str:
    return ", ".join(f"{product}: {days:g}" for product, days in sorted(hard.after_days_by_product.items()))


def _clocks(name: str, ladders: Mapping[str, LadderPack]) -> str:
    told = [
        f"{country} {clock.days_left:g}"
        for country, ladder in sorted(ladders.items())
        if (clock := ladder.clocks.get(name)) is not None and clock.days_left is not None
    ]
    return ", ".join(told)


COLUMNS = ("alarms", "precision", "chance", "recall", "lead_days", "alarms_week_1000")
TABLE_HEAD = ("alarms", "precision", "by chance", "recall", "lead, days", "a week per 1,000", "better than random")


def _measured_rows(name: str, measured: Measured) -> list[str]:
    rows = [
        f"| {scenario} | {_cells(signals[name])} |"
        for scenario, signals in measured.get("alone", {}).items()
        if name in signals
    ]
    return ["", *_table(("scenario", *TABLE_HEAD)), *rows] if rows else ["", "No alarm on the scenarios measured."]


def _alone(measured: Measured) -> list[str]:
    if not measured:
        return []
    lines = [
        "",
        "## Each signal alone",
        "",
        f"{measured['customers']} customers, {measured['days']} days, the seeds of the table above. An alarm is the beginning",
        "of an episode. Precision: alarms followed by leaving within 30 days, of the line, or of any line of the account that is",
        "warned of; by chance: the same of random lines, or random accounts of about as many lines, of the same kind of",
        "customer; recall: leavers with an alarm in their last 30 days; lead: median days from the first of those. Lines that",
        "had to leave, or had left before the alarm, prove nothing; a line that fell silent for good left at its last",
        "activity, which nobody can know for 40 days: until then signals of something missing, and random alarms beside them,",
        "may hit it (their lead is negative). Better than random: as many random alarms do as well in less than 5 of 100 cases.",
    ]
    for scenario, signals in measured["alone"].items():
        rows = [f"| `{name}` | {_cells(figures)} |" for name, figures in signals.items()]
        lines += ["", f"### On {scenario}", "", *_table(("signal", *TABLE_HEAD)), *rows]
    return lines


def _together(measured: Measured) -> list[str]:
    if not measured:
        return []
    rows = [
        f"| {scenario} | {', '.join(map(str, one['seeds']))} "
        f"| {one['signals']:.3f} | {one['rule']:.3f} | {_ratio(one['ratio'])} | "
        f"{one['start']:.3f} |"
        for scenario, one in measured["together"].items()
    ]
    return [
        "",
        "## All signals together, nothing learnt",
        "",
        "Average precision of the prior against the static rule (a bill 30 % below the one before, or any order of porting or",
        "termination); mean over the seeds. At least 1.5 times is asked for. `start`: the score of a line before any",
        "model, which adds circumstances (docs/learning.md).",
        "",
        *_table(("scenario", "seeds", "signals", "static rule", "ratio", "start")),
        *rows,
    ]


def _ratio(ratio: float | None) -> str:
    return "n/a" if ratio is None else f"{ratio:.2f}"


def _out(policy: SignalPolicy, measured: Measured) -> list[str]:
    """Signals that are evidence only, for whom, with what was measured of them; and those in of which too little is known."""
    soft = [f"`{name}` ({', '.join(one.out_for)})" for name, one in sorted(policy.soft.items()) if one.out_for]
    hard = [f"`{name}`" for name, one in sorted(policy.hard.items()) if one.out]
    lines = [
        "",
        "## Out",
        "",
        "No better than random alarms for these kinds of customers, or never heard: kept as evidence beside other signals, they",
        "warn of nothing and do not count in the prior (`out_for`, `out` in the policy; docs/adr/0059-out-is-evidence-only.md).",
        "",
        f"- Gradual: {', '.join(soft) or 'none'}.",
        f"- Orders and care, for everybody: {', '.join(hard) or 'none'}.",
        "- `neighbour_churn` (own circle left) is not there: no better than random (docs/adr/0056-signals-of-accounts.md).",
        "- `roaming_away` is benign: it excuses others.",
        "",
        "Chosen on other seeds (20-29, 60 and more) than these figures are from; what is better here stays out until other seeds",
        "say so.",
    ]
    if rows := [f"| {name} | {_cells(figures)} |" for name, figures in measured.get("out", {}).items()]:
        lines += ["", *_table(("signal, kind", *TABLE_HEAD)), *rows]
    return lines


def _in(measured: Measured) -> list[str]:
    """Gradual signals that are told, by kind of customer as the policy decides; what is in and not shown to be better."""
    kinds = measured.get("kinds", {})
    if not kinds:
        return []
    alone = {f"{name}, {scenario}": one for scenario, of in measured["alone"].items() for name, one in of.items()}
    return [
        "",
        "## In, by kind of customer",
        "",
        "The policy decides on gradual signals by kind of customer, and on orders and care for everybody. So are the verdicts:",
        "by kind over the three scenarios together, and of each signal over all kinds in the tables below. On which evidence",
        "rare ones are in, measured on operators with enough such customers, and `silence` of the public, by what people do:",
        "docs/adr/0089-a-verdict-by-kind.md.",
        "",
        *_table(("signal, kind", *TABLE_HEAD)),
        *(f"| {name} | {_cells(figures)} |" for name, figures in kinds.items()),
        "",
        f"In, and not shown to be better on these seeds: by kind {_unproven(kinds)}; by scenario {_unproven(alone)}.",
    ]


def _unproven(figures: Mapping[str, Any]) -> str:
    unproven = [
        f"{name} ({one['verdict']}, {one['alarms']} alarms)"
        for name, one in figures.items()
        if one["verdict"] != "better"
    ]
    return "; ".join(unproven) or "none"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _table(head: Iterable[str]) -> list[str]:
    names = list(head)
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]


def _cells(figures: Mapping[str, Any]) -> str:
    cells = ["n/a" if figures[name] is None else f"{figures[name]:g}" for name in COLUMNS]
    return " | ".join([*cells, str(figures["verdict"])])


def current() -> str:
    """The document as it should be."""
    policy = read_policy(POLICY_FILE, SOFT_SIGNAL_NAMES)
    ladders = {path.stem.upper(): read_ladder(path) for path in sorted(COUNTRIES.glob("*.toml"))}
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    return signals_document(policy, ladders, measured)


def write() -> None:
    """Renew the document."""
    DOCUMENT.write_text(current(), encoding="utf-8")


def main(arguments: Sequence[str] | None = None, document: Path = DOCUMENT) -> int:
    """Check or write the document; 1 when the check finds it out of date."""
    return renew_or_check(arguments, current(), document, RENEW)


if __name__ == "__main__":
    sys.exit(main())
