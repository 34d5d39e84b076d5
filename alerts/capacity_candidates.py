"""From a task to its ways of being contacted today: who could, at which hour, and what each is expected to bring. Pure."""

from collections.abc import Iterable
from datetime import UTC

from alerts.book import Book
from alerts.capacity import Candidate, Hour, Option
from alerts.capacity_counts import MANAGER, local_hour
from alerts.capacity_rates import Rates
from alerts.contact import day_ends_ms, day_of, window_opens_ms
from alerts.dialing import CONTACTABLE, barred, has_room, line_of
from alerts.local_time import zone_of
from alerts.policy import DAY_MS, HOUR_MS
from alerts.rules import Rules
from alerts.tasks import LEVEL_RANK, OUTBOUND, UNASSIGNED, Customer, Purpose, Task, TaskState

#: A return visit that is not due yet brings nothing, but is better made in a free hour than left to its last day.
VISIT_GAIN = 0.01


class Day:
    """One day of planning: what is the same for many tasks is worked out once.

    Args:
        rates: as learnt so far.
        now_ms: the plan is made then, for the rest of that day.
    """

    def __init__(self, rules: Rules, rates: Rates, now_ms: int) -> None:
        self.rules = rules
        self.now_ms = now_ms
        self.day = day_of(now_ms, rules.law)
        self.ends_ms = day_ends_ms(now_ms, rules.law)
        self._rates = rates
        self._hours: dict[tuple[str, str | None, str | None], list[Hour]] = {}

    def candidate(self, book: Book, task: Task, customer: Customer | None, margin: float | None) -> Candidate | None:
        """The task's ways of being contacted today; None: there is none.

        `margin`: what the customer leaves a month, None where its bills do not say.
        """
        if customer is None or not self._free(task) or line_of(task, customer) is None:
            return None
        found = [
            self._option(book, task, customer, owner, factor, margin) for owner, factor in self._owners(task, customer)
        ]
        options = [option for option in found if option is not None]
        return Candidate(task.task_id, task.account_id, options, self._promise(task)) if options else None

    def _free(self, task: Task) -> bool:
        """Whether it waits for a contact that nobody has reserved for today yet."""
        waits = task.not_before_ms is not None and task.not_before_ms >= self.ends_ms
        reserved = task.slot is not None and task.slot.day >= self.day
        at_work = task.state in CONTACTABLE and task.state is not TaskState.SNOOZED
        return at_work and not waits and not reserved and task.purpose is not Purpose.CRISIS

    def _owners(self, task: Task, customer: Customer) -> Iterable[tuple[str, float]]:
        """Who could make the contact, and the part of the usual chance to save that they have."""
        capacity = self.rules.capacity
        if task.owner == OUTBOUND:
            yield OUTBOUND, 1.0
            return
        if task.owner != UNASSIGNED and not capacity.is_away(task.owner, self.day):
            yield task.owner, 1.0
        if task.accepted_by is not None:
            return
        deputy = customer.deputy_id
        if deputy and deputy != task.owner and not capacity.is_away(deputy, self.day):
            yield deputy, capacity.deputy.save_factor
        if customer.segment in capacity.team.segments and customer.star <= capacity.team.stars_max:
            yield OUTBOUND, capacity.team.save_factor

    def _option(
        self, book: Book, task: Task, customer: Customer, owner: str, factor: float, margin: float | None
    ) -> Option | None:
        if barred(book, task, customer, owner, self.rules.law, self.now_ms) is not None:
            return None
        earliest_ms = max(self.now_ms, task.not_before_ms or 0)
        hours = [hour for hour in self._hours_of(owner, customer) if hour.at_ms >= earliest_ms]
        if self.now_ms < earliest_ms < self.ends_ms:
            hours += self._at(owner, customer, earliest_ms)
        allowed = [hour for hour in hours if has_room(book, task, hour.at_ms, self.rules)]
        if not allowed:
            return None
        reach = max(hour.reach for hour in allowed)
        return Option(owner, allowed, self._gain(task, customer, owner, factor, margin, reach))

    def _gain(
        self, task: Task, customer: Customer, owner: str, factor: float, margin: float | None, reach: float
    ) -> float:
        """P(churn) x P(reach) x P(save | contact) x margin at stake - cost; who has left already has churned."""
        if task.purpose is Purpose.RETURN_VISIT:
            return VISIT_GAIN * reach
        capacity = self.rules.capacity
        monthly = capacity.margin_default(customer.segment) if margin is None else margin
        at_stake = max(0.0, monthly) * capacity.margin_months
        churn = 1.0 if task.purpose is Purpose.WIN_BACK else task.score
        save = self._rates.mean_save(task.reason_group, customer.segment) * factor
        return churn * reach * save * at_stake - capacity.channel(owner).cost

    def _promise(self, task: Task) -> int:
        """More for more stars; a return visit is promised once it falls due today or tomorrow."""
        rules = self.rules.capacity.plan
        if task.purpose is Purpose.RETURN_VISIT:
            return 1 if task.due_ms < self.ends_ms + DAY_MS else 0
        danger = LEVEL_RANK[task.level] >= LEVEL_RANK[rules.promised_level]
        return 1 + task.star if danger and task.star in rules.promised_stars else 0

    def _hours_of(self, owner: str, customer: Customer) -> list[Hour]:
        """Now and each later full hour of the day at which this owner may call such a customer."""
        channel = OUTBOUND if owner == OUTBOUND else MANAGER
        key = channel, customer.timezone, customer.contact_window
        if key not in self._hours:
            first_ms = self.now_ms - self.now_ms % HOUR_MS + HOUR_MS
            moments = [self.now_ms, *range(first_ms, self.ends_ms, HOUR_MS)]
            self._hours[key] = [hour for at_ms in moments for hour in self._at(owner, customer, at_ms)]
        return self._hours[key]

    def _at(self, owner: str, customer: Customer, at_ms: int) -> list[Hour]:
        """The hour of this moment, if the customer may be called then and the owner works."""
        rules = self.rules
        if window_opens_ms(customer, rules.tasks.contact, rules.law, at_ms) > at_ms:
            return []
        zone = zone_of(customer.timezone) or zone_of(rules.law.timezone) or UTC
        if not rules.clocks.works(owner, at_ms, zone):
            return []
        channel = OUTBOUND if owner == OUTBOUND else MANAGER
        hour = local_hour(at_ms, customer.timezone or rules.law.timezone)
        return [Hour(at_ms, self._rates.mean_reach(channel, hour))]
