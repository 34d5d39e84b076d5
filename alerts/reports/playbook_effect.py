"""The check of PDCA: what each playbook, and each of its offers, brought in a month, against its target."""

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from alerts.playbooks.playbook import Playbook, Playbooks
from alerts.policy import DAY_MS
from alerts.reports.departures import Departure
from alerts.reports.lead_time import is_contact
from alerts.reports.month import Month
from alerts.tasks import REACHED, Task, TaskEvent, TaskEventKind, TaskResult

KEPT_MS = 30 * DAY_MS
#: 95 % of a normal distribution lie within so many standard deviations.
Z_95 = 1.959964
#: Fewer people reached say nothing about a share.
REACHED_MIN = 30


class OfferEffect(msgspec.Struct, frozen=True):
    """`cost`: of those that were accepted."""

    offer: str
    proposed: int
    accepted: int
    cost: float


class Effect(msgspec.Struct, frozen=True):
    """One playbook. `saved_share`: of those reached, with its 95 % interval (Wilson 1927); None when nobody was.

    `still_here_share`: of those saved, who had not left 30 days later; None while nobody's 30 days are over.
    `check`: above_target, below_target, on_target (the interval holds it), or too_few.
    """

    playbook: str
    tasks: int
    contacted: int
    reached: int
    saved: int
    saved_share: float | None
    saved_low: float | None
    saved_high: float | None
    saved_share_target: float
    still_here_share: float | None
    check: str
    offers: list[OfferEffect]


class PlaybookEffects(msgspec.Struct, frozen=True):
    month: str
    playbooks: list[Effect]


def playbook_effects(
    playbooks: Playbooks, events: Iterable[TaskEvent], left: Iterable[Departure], month: Month
) -> PlaybookEffects:
    """What came of the tasks that ended in this month."""
    histories: dict[str, list[TaskEvent]] = {}
    for event in events:
        if event.task is not None:
            histories.setdefault(event.task.task_id, []).append(event)
    gone: dict[str, list[int]] = {}
    latest_ms = 0
    for one in left:
        gone.setdefault(one.account_id, []).append(one.churn_ms)
        latest_ms = max(latest_ms, one.churn_ms)
    ended = [history for history in histories.values() if _ended_in(history, month)]
    latest_ms = max([latest_ms, *(history[-1].ts_ms for history in histories.values())])
    return PlaybookEffects(
        month.name,
        [_effect(one, [history for history in ended if _played(history, playbooks) is one], gone, latest_ms)
         for one in sorted(playbooks.all, key=lambda one: one.id)],
    )  # fmt: skip


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share.

    >>> tuple(round(bound, 3) for bound in wilson(8, 20))
    (0.219, 0.613)
    """
    share, spread = hits / of, Z_95**2 / of
    middle = (share + spread / 2) / (1 + spread)
    reach = Z_95 / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _effect(
    playbook: Playbook, histories: Sequence[Sequence[TaskEvent]], gone: Mapping[str, Sequence[int]], latest_ms: int
) -> Effect:
    reached = [history for history in histories if any(event.disposition in REACHED for event in history)]
    saved = [task for history in reached if (task := _last(history)).result is TaskResult.SAVED]
    low, high = wilson(len(saved), len(reached)) if reached else (None, None)
    target = playbook.pdca.saved_share_target
    return Effect(
        playbook=playbook.id,
        tasks=len(histories),
        contacted=sum(any(is_contact(event) for event in history) for history in histories),
        reached=len(reached),
        saved=len(saved),
        saved_share=round(len(saved) / len(reached), 4) if reached else None,
        saved_low=None if low is None else round(low, 4),
        saved_high=None if high is None else round(high, 4),
        saved_share_target=target,
        still_here_share=_still_here(saved, gone, latest_ms),
        check=_check(len(reached), low, high, target),
        offers=[_offer_effect(playbook, offer.id, histories) for offer in playbook.offers],
    )


def _check(reached: int, low: float | None, high: float | None, target: float) -> str:
    if reached < REACHED_MIN or low is None or high is None:
        return "too_few"
    if low > target:
        return "above_target"
    return "below_target" if high < target else "on_target"


def _still_here(saved: Sequence[Task], gone: Mapping[str, Sequence[int]], latest_ms: int) -> float | None:
    """Of those whose 30 days after the end are over, or who left meanwhile."""
    kept = lost = 0
    for task in saved:
        ended_ms = task.closed_ms or 0
        if any(ended_ms <= at <= ended_ms + KEPT_MS for at in gone.get(task.account_id, ())):
            lost += 1
        elif ended_ms + KEPT_MS <= latest_ms:
            kept += 1
    return round(kept / (kept + lost), 4) if kept + lost else None


def _offer_effect(playbook: Playbook, offer_id: str, histories: Sequence[Sequence[TaskEvent]]) -> OfferEffect:
    proposed = [
        history
        for history in histories
        if any(
            event.kind is TaskEventKind.OFFER_PROPOSED
            and event.task is not None
            and event.task.offered is not None
            and (event.task.offered.playbook, event.task.offered.offer) == (playbook.id, offer_id)
            for event in history
        )
    ]
    lasts = [_last(history) for history in proposed]
    accepted = [
        task.offered
        for task in lasts
        if task.result is TaskResult.SAVED and task.offered is not None and task.offered.offer == offer_id
    ]
    return OfferEffect(offer_id, len(proposed), len(accepted), round(sum(one.cost for one in accepted), 2))


def _ended_in(history: Sequence[TaskEvent], month: Month) -> bool:
    task = _last(history)
    return task.closed_ms is not None and month.holds(task.closed_ms)


def _played(history: Sequence[TaskEvent], playbooks: Playbooks) -> Playbook | None:
    return playbooks.of(_last(history))


def _last(history: Sequence[TaskEvent]) -> Task:
    task = history[-1].task
    assert task is not None
    return task
