"""The store of tasks as the settings want it: one way for the tasks process, the console, the dialer and the demo."""

import redis

from alerts.clock import Clock, WallClock
from alerts.rules import RULE_ERRORS, Rules, read_rules
from alerts.store import TaskStore
from alerts.store.clock import StreamClock
from churnwatch.errors import UserError
from churnwatch.settings import Settings


def task_rules(settings: Settings) -> Rules:
    """The rules as the settings want them. Raises one of `RULE_ERRORS` when a policy is wrong."""
    held_out = {
        "public": settings.tasks.holdout_public,
        "business": settings.tasks.holdout_business,
        "key_account": settings.tasks.holdout_key_account,
    }
    return read_rules(settings.law.country, settings.law.holidays, held_out)


def task_store(settings: Settings, client: redis.Redis, kind: type[TaskStore] = TaskStore) -> TaskStore:
    """Raises `UserError` when a policy is wrong, or there is no law pack for the country. `kind`: what pages ask."""
    prefix = settings.kafka.topic_prefix
    clock: Clock = StreamClock(client, prefix) if settings.tasks.clock == "stream" else WallClock()
    try:
        rules = task_rules(settings)
    except RULE_ERRORS as error:
        raise UserError(str(error)) from None
    return kind(client, prefix, clock, rules)
