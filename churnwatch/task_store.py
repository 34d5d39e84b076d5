"""The store of tasks as the settings want it: one way for the tasks process, the console, the dialer and the demo."""

import redis

from alerts.clock import Clock, WallClock
from alerts.policy import TaskPolicyError, read_task_policy
from alerts.store import TaskStore
from alerts.store.clock import StreamClock
from churnwatch.errors import UserError
from churnwatch.settings import Settings


def task_store(settings: Settings, client: redis.Redis) -> TaskStore:
    """Raises `UserError` when the task policy is wrong."""
    prefix = settings.kafka.topic_prefix
    clock: Clock = StreamClock(client, prefix) if settings.tasks.clock == "stream" else WallClock()
    try:
        return TaskStore(client, prefix, clock, read_task_policy())
    except TaskPolicyError as error:
        raise UserError(str(error)) from None
