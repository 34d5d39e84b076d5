"""A rule book in memory: the port `alerts.console.ports.RuleBook` without Kafka, with a week of observations."""

from alerts.console.ports import RulesAwayError
from alerts.live_rules.observed import Observation, Observed
from alerts.rules import Rules
from alerts.tasks import Actor
from pipeline.events import Origin, SignalReport
from pipeline.live_rules import Editions, RulesMessage, RuleValue
from tests.fakes.console_samples import DAY_MS, HOUR_MS, NOW_MS
from tests.fakes.read_once import shipped_rules


def report(name: str, strength: float, days_ago: float, origin: Origin = Origin.OWN_BILLING) -> SignalReport:
    return SignalReport(name, origin, strength, int(NOW_MS - days_ago * DAY_MS), {})


def sample_observed() -> Observed:
    """Bills that fell, more and less; a complaint."""
    observed = Observed()
    fallen = {"ACC-20481": 0.40, "ACC-17730": 0.52, "ACC-10012": 0.58, "ACC-33904": 0.90}
    for number, (account, strength) in enumerate(fallen.items()):
        seen = Observation(NOW_MS - (number + 1) * DAY_MS, [report("spend_drop", strength, number + 1)], True)
        observed.add(account, f"{account}-L1", seen)
    told = [report("complaint", 0.5, 2, Origin.CUSTOMER_TO_US)]
    observed.add("ACC-51200", None, Observation(NOW_MS - 2 * DAY_MS, told, True))
    observed.forget_old()
    return observed


class FakeRuleBook:
    """Editions in a list; `away = True`: Kafka does not answer. `meanwhile`: somebody publishes just before us."""

    def __init__(self) -> None:
        self.kept = Editions()
        self.away = False
        self.meanwhile = False
        self._base = shipped_rules()
        self._observed = sample_observed()

    @property
    def base(self) -> Rules:
        return self._base

    def editions(self) -> list[RulesMessage]:
        self._reach()
        return list(self.kept.taken)

    def observed(self) -> Observed:
        self._reach()
        return self._observed

    def publish(
        self, replaces: int, changes: dict[str, RuleValue], actor: Actor, why: str, restores: int | None
    ) -> RulesMessage | None:
        self._reach()
        if self.meanwhile:
            self.meanwhile = False
            self.publish(replaces, {}, Actor("bob", actor.role), "mine was first", None)
        if replaces != self.kept.version:
            return None
        message = RulesMessage(
            replaces + 1, NOW_MS + HOUR_MS, NOW_MS, actor.name, str(actor.role), why, changes, restores
        )
        self.kept.take(message)
        return message

    def _reach(self) -> None:
        if self.away:
            raise RulesAwayError
