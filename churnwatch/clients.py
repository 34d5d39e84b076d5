"""Clients of Kafka and Redis, made once the service answers; a service that stays away becomes a `UserError`.

Every maker waits up to the section's `connect_timeout_s` and tells on the log what it waits for. kafka-python starts a
network thread in its constructors, which lives on when the constructor fails: so the address is tried with a plain
socket first.
"""

import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import redis
import structlog
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError
from redis.backoff import NoBackoff
from redis.retry import Retry

from churnwatch.errors import UserError
from churnwatch.settings import Settings

RETRY_PAUSE_S = 0.5
PROBE_TIMEOUT_S = 2.0
#: A socket that answered but then does not speak the Kafka protocol is given at least this long.
BOOTSTRAP_TIMEOUT_S = 5.0
DEFAULT_KAFKA_PORT = 9092
OR_DEMO = ", or try `churnwatch demo`, which brings its own"

log = structlog.get_logger()

Address = tuple[str, int]


def kafka_addresses(bootstrap: str) -> list[Address]:
    """The brokers of a bootstrap list.

    >>> kafka_addresses("one:9093, two")
    [('one', 9093), ('two', 9092)]

    Raises:
        UserError: nothing configured, or a port that is no number.
    """
    if not bootstrap.strip():
        raise UserError(f"no Kafka broker configured; set KAFKA_BOOTSTRAP=HOST:PORT{OR_DEMO}")
    return [_kafka_address(part.strip()) for part in bootstrap.split(",") if part.strip()]


def wait_for_kafka(settings: Settings) -> list[Address]:
    """Wait until one of the configured brokers accepts a connection; returns all addresses.

    Raises:
        UserError: none did within `kafka.connect_timeout_s`.
    """
    addresses = kafka_addresses(settings.kafka.bootstrap)
    bootstrap, timeout_s = settings.kafka.bootstrap, settings.kafka.connect_timeout_s
    _wait("Kafka", bootstrap, timeout_s, "KAFKA_BOOTSTRAP", lambda: _probe(addresses))
    return addresses


def kafka_admin(settings: Settings) -> KafkaAdminClient:
    """A kafka-python admin client; close it."""
    return _kafka(KafkaAdminClient, settings, {})


def kafka_producer(settings: Settings, **options: Any) -> KafkaProducer:
    """A kafka-python producer for the control plane: idempotent, acks from all, keys placed by murmur2.

    `options` go to KafkaProducer. `send` takes bytes and returns a future whose `.get(timeout)` raises on failure.
    """
    return _kafka(KafkaProducer, settings, {"linger_ms": 5, **options})


def kafka_consumer(settings: Settings, *topics: str, group_id: str | None = None, **options: Any) -> KafkaConsumer:
    """A kafka-python consumer of full topic names (`settings.topic("examples")`), from the earliest record on.

    It never commits by itself: with a `group_id`, call `commit()` after the effect is durable. Without one, give no
    topics and use `assign()`.
    """
    defaults = {
        "group_id": group_id,
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "allow_auto_create_topics": False,
        "session_timeout_ms": int(settings.kafka.session_timeout_s * 1000),
        "heartbeat_interval_ms": int(settings.kafka.heartbeat_s * 1000),
    }
    return _kafka(KafkaConsumer, settings, {**defaults, **options}, *topics)


def redis_client(settings: Settings, *, decode_responses: bool = True, socket_timeout_s: float = 10.0) -> redis.Redis:
    """A Redis client that answered a ping.

    No command is sent twice: redis-py would repeat a write whose reply was lost (RELIABILITY.md, fact 11). The caller
    decides what may be repeated. BLOCK arguments must stay below `socket_timeout_s`.

    Raises:
        UserError: nothing configured, no such URL, refused password, or no answer within `redis.connect_timeout_s`.
    """
    url = settings.redis.url
    if not url:
        raise UserError(f"no Redis configured; set REDIS_URL=redis://HOST:PORT/0{OR_DEMO}")
    with _redis(url, decode_responses, PROBE_TIMEOUT_S) as probe:
        _wait("Redis", _without_password(url), settings.redis.connect_timeout_s, "REDIS_URL", lambda: _ping(probe))
    return _redis(url, decode_responses, socket_timeout_s)


def _redis(url: str, decode_responses: bool, socket_timeout_s: float) -> redis.Redis:
    try:
        return redis.Redis.from_url(
            url,
            decode_responses=decode_responses,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=socket_timeout_s,
            socket_connect_timeout=PROBE_TIMEOUT_S,
            protocol=2,
        )
    except ValueError as error:
        raise UserError(f"REDIS_URL is not a Redis address: {error}; expected redis://HOST:PORT/0") from None


def _kafka(make: Callable[..., Any], settings: Settings, options: dict[str, Any], *topics: str) -> Any:
    addresses = wait_for_kafka(settings)
    timeout_s = max(settings.kafka.connect_timeout_s, BOOTSTRAP_TIMEOUT_S)
    try:
        return make(
            *topics,
            bootstrap_servers=[f"{host}:{port}" for host, port in addresses],
            bootstrap_timeout_ms=int(timeout_s * 1000),
            **options,
        )
    except KafkaError as error:
        raise UserError(
            f"{settings.kafka.bootstrap} accepts connections but does not answer as a Kafka broker ({error}); "
            "check KAFKA_BOOTSTRAP"
        ) from error


def _wait(service: str, address: str, timeout_s: float, variable: str, attempt: Callable[[], str | None]) -> None:
    """Call `attempt` until it returns None; it returns what went wrong otherwise."""
    deadline = time.monotonic() + timeout_s
    attempts = 0
    while (problem := attempt()) is not None:
        attempts += 1
        if time.monotonic() >= deadline:
            raise UserError(
                f"cannot reach {service} at {address}: {problem} (tried {attempts} times in {timeout_s:g} s); "
                f"start it, or point {variable} at a running one"
            )
        if attempts == 1 or attempts % 10 == 0:
            log.warning("service.awaited", service=service, address=address, problem=problem, give_up_s=timeout_s)
        time.sleep(max(0.0, min(RETRY_PAUSE_S, deadline - time.monotonic())))


def _probe(addresses: list[Address]) -> str | None:
    problem = "no address"
    for address in addresses:
        try:
            with socket.create_connection(address, timeout=PROBE_TIMEOUT_S):
                return None
        except OSError as error:
            problem = error.strerror or str(error)
    return problem


def _ping(client: redis.Redis) -> str | None:
    try:
        client.ping()
    except redis.AuthenticationError as error:
        raise UserError(f"Redis refused the login: {error}; check user and password in REDIS_URL") from None
    except redis.ResponseError as error:
        raise UserError(f"Redis answered with an error: {error}; check REDIS_URL") from None
    except (redis.ConnectionError, redis.TimeoutError) as error:
        return str(error).rstrip(".") or type(error).__name__
    return None


def _kafka_address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon:
        return text, DEFAULT_KAFKA_PORT
    if not host or not port.isdigit():
        raise UserError(f"KAFKA_BOOTSTRAP: {text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or url}:{parts.port or 6379}"
