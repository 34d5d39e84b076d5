"""The port `alerts.console.ports.CustomerDesk` in memory: real arithmetic, one number, a plan of today."""

from collections.abc import Sequence

from alerts.console.ports import Room
from alerts.store.happenings import Happened, Happening
from alerts.tasks import OUTBOUND, UNASSIGNED, Actor, Purpose, Task, TaskState
from alerts.value.assess import Assessment, assess
from alerts.value.facts import gather
from alerts.value.policy import ValuePolicy
from alerts.visit_counts import VisitsBy
from tests.fakes.console_samples import DAY_MS, NOW_MS, task
from tests.fakes.read_once import shipped_rules
from tests.fakes.task_board import FakeTaskBoard

NUMBER = "+45 33 12 34 56"
INDICATORS = {
    "new_services": 3.0, "bandwidth_share": 0.4, "social_influence": 6.0, "business_condition": 7.0,
    "demand_forecast": 6.0, "value_chain_position": 5.0, "telecom_dependence": 8.0, "overall_satisfaction": 6.5,
    "our_share_of_spend": 7.0, "mutual_benefit": 6.0, "brought_revenue": 900.0, "operation_cost": 40.0,
    "price_sensitivity": 4.0, "overdue_days": 2.0, "lines_moved": 1.0,
}  # fmt: skip


class FakeDesk:
    """`told`: who asked for which number and why, in order."""

    def __init__(self, board: FakeTaskBoard) -> None:
        self._board = board
        self._policy = shipped_rules().value
        self.told: list[tuple[str, str, str]] = []
        self.looked: list[tuple[str, str]] = []

    @property
    def value_policy(self) -> ValuePolicy:
        return self._policy

    def assessment(self, account_id: str) -> Assessment | None:
        customer = self._board.customer(account_id)
        if customer is None:
            return None
        customer.indicators.update(INDICATORS)
        views = self._board.line_views(customer.lines)
        return assess(gather(customer, views.values(), self._policy, NOW_MS), self._policy)

    def number(self, account_id: str, line_id: str, actor: Actor, why: str) -> str | None:
        self.told.append((actor.name, line_id, why))
        return NUMBER if line_id == f"{account_id}-L1" else None

    def seen(self, account_id: str, actor: Actor) -> None:
        self.looked.append((actor.name, account_id))

    def happened(self, account_id: str, since_ms: int, until_ms: int) -> list[Happened]:
        """The same few for everybody: a complaint and its end, a step to another operator, an order of last summer."""
        self._board.customer(account_id)
        told = [
            Happened(NOW_MS - 130 * DAY_MS, Happening("order", "renewal", "o-1")),
            Happened(NOW_MS - 16 * DAY_MS, Happening("care", "complaint", "c-1", None, 4)),
            Happened(NOW_MS - 14 * DAY_MS, Happening("care", "fault_closed", "c-2", f"{account_id}-L1", 2)),
            Happened(NOW_MS - 6 * DAY_MS, Happening("order", "port_eligibility_query", "o-2", f"{account_id}-L1")),
        ]
        return [one for one in told if since_ms <= one.at_ms <= until_ms]

    def incidents(self, region: str) -> list[Task]:
        """One that is over."""
        over = task(
            "t-incident", f"incident:{region}:service", ["complaint"], owner=UNASSIGNED, purpose=Purpose.CRISIS,
            region=region, created_ms=NOW_MS - 17 * DAY_MS, closed_ms=NOW_MS - 14 * DAY_MS, state=TaskState.DONE,
        )  # fmt: skip
        return [over]

    def visits(self, opened: Sequence[Task]) -> dict[str, VisitsBy]:
        return {"m-09": VisitsBy(4, 2, 1, 1), "m-17": VisitsBy(11, 1, 0, 0)}

    def room(self, owners: Sequence[str]) -> dict[str, Room]:
        return {owner: Room(7, 20, 412.5 if owner == "m-17" else None) for owner in owners if owner != OUTBOUND} | {
            owner: Room(80, 0, None) for owner in owners if owner == OUTBOUND
        }
