"""The law gate: what of a warning may be used, and what may still be done about a line. Pure; rules in the country's pack.

It decides on (signal, origin, consent). What it takes away is neither shown as a reason nor used: a warning of which a
part remains is judged again by that part alone.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from alerts.law_pack import Effect, LawPack, Rule
from alerts.policy import DAY_MS
from alerts.tasks import LEVEL_RANK, Customer, RefusalReason, Restraint, Task
from pipeline.events import ChurnWarning, Consent, Level, Origin, SignalReport
from pipeline.line_views import LineView
from pipeline.policy import MODEL_SCORE, SignalPolicy
from pipeline.reasons import told_reasons, without_reasons
from pipeline.scoring import prior_score

#: A warning without signals rests on the score, which a model makes of usage.
SCORE_ALONE = (MODEL_SCORE, Origin.OWN_USAGE)


class Ruling(NamedTuple):
    """`warning`: with what may be used of it, None when that is nothing. `rule`: the first that took something away.
    `restraints`: what its signals bring upon the line, the strictest first.
    """

    warning: ChurnWarning | None
    rule: Rule | None
    restraints: list[Restraint]


def consent_of(customer: Customer | None) -> Consent:
    """What an account allows; nothing, when it is not known."""
    if customer is None:
        return Consent()
    return Consent(call=customer.may_call, sms=customer.may_sms, profiling=customer.may_profile)


def barring(law: LawPack, name: str, origin: Origin, consent: Consent) -> Rule | None:
    """The rule by which a signal of this name and origin may not be used under this consent; None: it may."""
    for rule in law.with_effect(Effect.BAR, Effect.STOP):
        if rule.matches(name, origin) and not rule.consented(consent):
            return rule
    return None


def rule_on(warning: ChurnWarning, customer: Customer | None, law: LawPack, signals: SignalPolicy) -> Ruling:
    """What the law leaves of a warning about this customer."""
    consent = consent_of(customer)
    warning = _without_barred_reasons(warning, law, consent)
    barred = [(signal, barring(law, signal.name, signal.origin, consent)) for signal in warning.signals]
    rule = next((rule for _, rule in barred if rule is not None), None)
    restraints = _restraints(warning, customer, law)
    if not warning.signals:
        rule = barring(law, *SCORE_ALONE, consent)
        return Ruling(None if rule else warning, rule, restraints)
    kept = [signal for signal, rule in barred if rule is None]
    if rule is None:
        return Ruling(warning, None, restraints)
    unknown = all(one.is_left_out for _, one in barred if one is not None)
    return Ruling(_judged_again(warning, kept, signals, score_may=unknown) if kept else None, rule, restraints)


def standing(restraints: Iterable[Restraint], line_ids: Sequence[str], now_ms: int) -> list[Restraint]:
    """Those in force for any of these lines, or for their whole account; the strictest first.

    >>> order = Restraint("uk_no_save_from_porting_order", "l-1", until_ms=100, contacts_left=0)
    >>> len(standing([order], ["l-1"], 99)), len(standing([order], ["l-1"], 100)), len(standing([order], ["l-2"], 99))
    (1, 0, 0)
    """
    found = [one for one in restraints if one.until_ms > now_ms and one.line_id in {"", *line_ids}]
    return sorted(found, key=_strictness)


def exhausted(restraints: Iterable[Restraint], line_ids: Sequence[str], now_ms: int) -> Restraint | None:
    """The restraint under which nobody may contact the customer about these lines any more."""
    return next((one for one in standing(restraints, line_ids, now_ms) if one.contacts_left == 0), None)


def exhausted_reason(restraint: Restraint, law: LawPack) -> RefusalReason:
    """Whether nothing was ever allowed, or what was allowed has been used."""
    rule = law.rule(restraint.rule)
    used = rule is not None and rule.effect is Effect.LIMIT
    return RefusalReason.SERVICE_CONTACT_USED if used else RefusalReason.STOP_WORK


def usable(task: Task, customer: Customer | None, law: LawPack) -> bool:
    """Whether anything of what a task rests on may still be used: consent may have been withdrawn meanwhile."""
    consent = consent_of(customer)
    resting = [(signal.name, signal.origin) for signal in task.signals] or [SCORE_ALONE]
    return any(barring(law, name, origin, consent) is None for name, origin in resting)


def lawful_view(view: LineView, customer: Customer | None, law: LawPack) -> LineView | None:
    """A line's view without the signals that may not be used; None where its usage itself may not."""
    consent = consent_of(customer)
    if barring(law, *SCORE_ALONE, consent) is not None:
        return None
    kept = [signal for signal in view.active_signals if barring(law, signal.name, signal.origin, consent) is None]
    told = [_lawful_reasons(signal, law, consent) for signal in kept]
    if told == view.active_signals:
        return view
    return msgspec.structs.replace(
        view, active_signals=told, prior=view.prior if len(told) == len(view.active_signals) else None
    )


def _without_barred_reasons(warning: ChurnWarning, law: LawPack, consent: Consent) -> ChurnWarning:
    """The warning, with nothing that its score says of what may not be used."""
    told = [_lawful_reasons(signal, law, consent) for signal in warning.signals]
    if told == warning.signals:
        return warning
    names = {signal.name for signal in told}
    gone = {code for signal in warning.signals for code in _barred_reasons(signal, law, consent)}
    return msgspec.structs.replace(
        warning, signals=told, reasons=[code for code in warning.reasons if code in names or code not in gone]
    )


def _lawful_reasons(signal: SignalReport, law: LawPack, consent: Consent) -> SignalReport:
    gone = _barred_reasons(signal, law, consent)
    return msgspec.structs.replace(signal, evidence=without_reasons(signal.evidence, gone)) if gone else signal


def _barred_reasons(signal: SignalReport, law: LawPack, consent: Consent) -> list[str]:
    """What a score gives as reasons is of our own usage data, as the score is."""
    return [code for code in told_reasons(signal.evidence) if barring(law, code, signal.origin, consent)]


def _restraints(warning: ChurnWarning, customer: Customer | None, law: LawPack) -> list[Restraint]:
    """Of an account with one line the line's restraint is the account's: there is nothing else to call about."""
    single = customer is not None and len(customer.lines) <= 1
    line_id = "" if single or warning.line_id is None else warning.line_id
    found = [
        Restraint(rule.id, line_id, signal.since_ms + int((rule.days or 0) * DAY_MS), _allowed(rule))
        for signal in warning.signals
        for rule in law.with_effect(Effect.STOP, Effect.LIMIT)
        if rule.matches(signal.name, signal.origin)
    ]
    return sorted(found, key=_strictness)


def _allowed(rule: Rule) -> int | None:
    return 0 if rule.effect is Effect.STOP else rule.contacts


def _strictness(restraint: Restraint) -> tuple[bool, int, str]:
    return restraint.contacts_left is None, restraint.contacts_left or 0, restraint.rule


def _judged_again(
    warning: ChurnWarning, kept: list[SignalReport], policy: SignalPolicy, *, score_may: bool
) -> ChurnWarning:
    """The warning as it would be, had nobody known of the barred signals: level, score and time left of the rest.

    `score_may`: what is barred is left out of the features, so that a model's score never knew of it, and holds.
    """
    known = [signal for signal in kept if signal.name in policy.soft or signal.name in policy.hard]
    of_score = [signal for signal in kept if signal.name == MODEL_SCORE and score_may]
    levels = [_level(signal, policy) for signal in [*known, *of_score]]
    prior = prior_score({signal.name: signal.strength for signal in known}, policy)
    score = max([prior, *(signal.strength for signal in of_score)])
    names = {signal.name for signal in kept}
    return msgspec.structs.replace(
        warning,
        signals=kept,
        level=max(levels, key=LEVEL_RANK.__getitem__, default=Level.WATCH),
        score=round(score, 6),
        score_basis=warning.score_basis if score > prior else "prior",
        days_left=_days_left(known, warning.ts_ms, policy),
        reasons=[reason for reason in warning.reasons if reason in names] or [signal.name for signal in kept],
    )


def _level(signal: SignalReport, policy: SignalPolicy) -> Level:
    if signal.name == MODEL_SCORE:
        return Level.CRITICAL if signal.strength >= policy.model_score_critical else Level.WARN
    if signal.name in policy.soft:
        return policy.soft[signal.name].level(signal.strength)
    return policy.hard[signal.name].level_of(signal.strength)


def _days_left(signals: list[SignalReport], now_ms: int, policy: SignalPolicy) -> float | None:
    left = [
        max(0.0, policy.hard[signal.name].days_left - (now_ms - signal.since_ms) / DAY_MS)
        for signal in signals
        if signal.name in policy.hard
    ]
    return round(min(left), 2) if left else None
