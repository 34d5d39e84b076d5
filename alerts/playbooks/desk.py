"""What a playbook says about one task, and the proposing of its offers: judged first, then held in the budget."""

import msgspec
import redis

from alerts.moves import Move, may_act, moved
from alerts.playbooks.budget import EVERYTHING, BudgetState, budget_key, state_of, year_of
from alerts.playbooks.judge import Judgement, judge
from alerts.playbooks.playbook import Offer, Playbook, Playbooks
from alerts.store import TaskStore
from alerts.store.replies import fields
from alerts.store.valuation import assessment_of
from alerts.tasks import Actor, Offered, Refusal, RefusalReason, Task, TaskEventKind
from alerts.value.segments import monthly_margin


class Advice(msgspec.Struct, frozen=True):
    """The playbook of a task, its offers judged for this very customer, and what is left of the budget.

    `margin_month`: used for the judgement; `margin_known`: it is the customer's own, not the segment's usual one.
    """

    playbook: Playbook
    judgements: list[Judgement]
    margin_month: float
    margin_known: bool
    budget: BudgetState

    def judged(self, offer_id: str) -> Judgement | None:
        return next((one for one in self.judgements if one.offer_id == offer_id), None)


class OfferDesk:
    """Looks up and proposes."""

    def __init__(self, client: redis.Redis, store: TaskStore) -> None:
        self._redis = client
        self._store = store
        self._playbooks: Playbooks = store.rules.playbooks

    def advice(self, task: Task) -> Advice | None:
        """What the playbook of this task says; None where no playbook is for it."""
        playbook = self._playbooks.of(task)
        if playbook is None:
            return None
        margin, known = self._margin(task)
        judgements = [judge(offer, margin, task.score, self._playbooks.economics) for offer in playbook.offers]
        return Advice(playbook, judgements, margin, known, self.budget(playbook))

    def budget(self, playbook: Playbook | None = None) -> BudgetState:
        """This year's budget of a playbook, or of all together."""
        year = year_of(self._store.now_ms())
        found = fields(self._redis.hgetall(budget_key(self._store.keys.prefix, year)))
        if playbook is None:
            return state_of(found, EVERYTHING, year, self._playbooks.economics.budget_year)
        return state_of(found, playbook.id, year, playbook.budget_year)

    def propose(self, task_id: str, actor: Actor, offer_id: str, version: int | None = None) -> Task | Refusal:
        """Put an offer before the customer; a task has one offer at a time, the latest.

        Refused: no such offer, one not worth making, one that the law does not leave, or no budget for it.
        """
        return self._store.change(task_id, version, lambda _, task: self._proposed(task, actor, offer_id))

    def _proposed(self, task: Task, actor: Actor, offer_id: str) -> Move:
        if not task.open:
            return Refusal(RefusalReason.ALREADY_CLOSED, task)
        if not may_act(task, actor):
            return Refusal(RefusalReason.NOT_YOURS, task)
        advice = self.advice(task)
        offer = advice.playbook.offer(offer_id) if advice else None
        if advice is None or offer is None or not self._lawful(task, offer):
            return Refusal(RefusalReason.NO_SUCH_OFFER, task)
        judged = advice.judged(offer_id)
        if judged is None or not judged.worthwhile:
            return Refusal(RefusalReason.OFFER_NOT_WORTH, task)
        offered = Offered(
            playbook=advice.playbook.id,
            offer=offer.id,
            cost=offer.cost,
            at_ms=self._store.now_ms(),
            budget=advice.playbook.budget_year,
            budget_all=self._playbooks.economics.budget_year,
        )
        return moved(
            task,
            TaskEventKind.OFFER_PROPOSED,
            actor,
            offered.at_ms,
            detail=f"{offered.playbook}:{offer.id}",
            offered=offered,
        )

    def _lawful(self, task: Task, offer: Offer) -> bool:
        """Where a rule of the law limits the task, only what is open to every customer may be offered."""
        return offer.standard or not task.rules

    def _margin(self, task: Task) -> tuple[float, bool]:
        assessment = assessment_of(self._store, task.account_id)
        own = None if assessment is None else monthly_margin(assessment.facts, self._store.rules.value)
        if own is not None:
            return own, True
        segment = assessment.facts.customer.segment if assessment is not None else "public"
        return self._playbooks.economics.margin_month.get(segment, 0.0), False  # type: ignore[call-overload]  # a record's segment is one of the three
