"""What `churnwatch value` prints: all figures of an account, or the arithmetic of one."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from alerts.store.valuation import assessment_of
from alerts.value.assess import Assessment
from alerts.value.explain import UnknownFigure, equivalents_of, explain
from alerts.value.policy import Dimension, ValuePolicy
from churnwatch.clients import redis_client
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from churnwatch.task_store import task_store


@dataclass(frozen=True, slots=True)
class Answer:
    """Figures by name, to be shown as JSON or as lines."""

    figures: dict[str, Any]

    def as_json(self) -> str:
        return json.dumps(self.figures, ensure_ascii=False)

    def as_text(self) -> str:
        return "\n".join(_lines(self.figures))


def overview(settings: Settings, account_id: str) -> Answer:
    """Every figure of an account.

    Raises:
        UserError: there is no such account, Redis is away, or a policy is wrong.
    """
    assessment, policy = _assessed(settings, account_id)
    customer = assessment.facts.customer
    built = [explain(assessment, policy, name) for name in ("soft_firewall", "hard_firewall")]
    figures: dict[str, Any] = {
        "account": account_id,
        "level": assessment.level,
        "stars": assessment.stars,
        "stars_of_record": customer.star,
        "known_share": round(assessment.known_share, 4),
        "overall": assessment.overall.score,
        **{name: assessment.dimensions[name].score for name in Dimension},
        **{name: explain(assessment, policy, name).result for name in ("segment", "margin", "rfm", "grid")},
        **{one.figure: one.result for one in built},
        "contract_days_left": assessment.facts.contract_days_left,
        "loss_equals_customers": equivalents_of(customer, policy.replacement),
    }
    return Answer(figures)


def explained(settings: Settings, account_id: str, figure: str) -> Answer:
    """How one figure of an account came about.

    Raises:
        UserError: as `overview`, or there is no such figure.
    """
    assessment, policy = _assessed(settings, account_id)
    try:
        return Answer(asdict(explain(assessment, policy, figure)))
    except UnknownFigure as error:
        raise UserError(str(error)) from None


def _assessed(settings: Settings, account_id: str) -> tuple[Assessment, ValuePolicy]:
    client = redis_client(settings)
    try:
        store = task_store(settings, client)
        found = assessment_of(store, account_id)
    finally:
        client.close()
    if found is None:
        raise UserError(f"no record of an account {account_id!r} has arrived; is `churnwatch tasks` running?")
    return found, store.rules.value


def _lines(figures: dict[str, Any]) -> list[str]:
    lines = []
    for name, value in figures.items():
        if isinstance(value, list):
            lines += [f"  {_step(step)}" for step in value]
        else:
            lines.append(f"{name:22} {'-' if value is None else value}")
    return lines


def _step(step: dict[str, Any]) -> str:
    parts = [f"{key} {step[key]}" for key in ("weight", "points") if step[key] is not None]
    parts += [step["note"]] if step["note"] else []
    shown = "-" if step["value"] is None else step["value"]
    return f"{step['name']:20} {shown}" + (f"  ({'; '.join(parts)})" if parts else "")
