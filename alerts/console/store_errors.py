"""How the task store says that it is away."""

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

#: Nothing to do with what was asked: Redis does not answer, or not in time (`BusyLoadingError` is a ConnectionError).
STORE_AWAY = (RedisConnectionError, RedisTimeoutError)
