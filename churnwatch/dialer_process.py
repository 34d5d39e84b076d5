"""The dialer process: works the outbound queue until told to stop, and waits when Redis is away."""

import os
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import redis
import structlog

from alerts.dialer import Dialer
from alerts.dialers.port import Ring
from alerts.dialers.told_later import DispositionStream, ToldLater, read_answers
from alerts.policy import HOUR_MS
from alerts.queue import CallQueue
from alerts.store.ledger import InboxNotReady
from churnwatch.clients import redis_client
from churnwatch.disposition_codes import codes_of
from churnwatch.settings import Settings
from churnwatch.task_store import task_store
from pipeline.metrics import Metrics

if TYPE_CHECKING:
    from churnwatch.telephone import Telephone

BLOCK_MS = 500
AWAY_PAUSE_S = 1.0
NOT_READY_PAUSE_S = 0.5

log = structlog.get_logger()


def run_dialer(
    settings: Settings,
    ring: Ring,
    stop: threading.Event,
    telephone: "Telephone | None" = None,
    metrics: Metrics | None = None,
) -> Dialer:
    """Dial what is due until `stop` is set; returns the dialer with its counts, which `metrics` show meanwhile.

    Where `ring` goes to a `telephone` system, what that tells later is taken in between.

    Raises:
        UserError: Redis cannot be reached within the configured time, or a table of codes is wrong.
    """
    client = redis_client(settings)
    queue = CallQueue(client, task_store(settings, client), f"{socket.gethostname()}-{os.getpid()}")
    ready = telephone.breaker.closed if telephone is not None else _always
    dialer = Dialer(queue, ring, ready, int(settings.dialer.patience_h * HOUR_MS))
    take_told = _told_later(settings, client, queue, telephone)
    prepared, told = False, Told(Counter(), Counter())
    while not stop.is_set():
        try:
            if not prepared:
                queue.prepare()
                prepared = True
            take_told()
            if ready():
                dialer.work(BLOCK_MS)
                told = _count(metrics, dialer, told)
            else:
                stop.wait(NOT_READY_PAUSE_S)
        except (redis.RedisError, InboxNotReady) as error:
            prepared = False
            log.warning("dialer.interrupted", problem=str(error), retry_s=AWAY_PAUSE_S)
            stop.wait(AWAY_PAUSE_S)
    _leave(queue)
    client.close()
    log.info("dialer.left", rung=dict(dialer.rung), refused=dict(dialer.refused))
    return dialer


class Told(NamedTuple):
    """What the metrics have been told of: calls by how they ended, refused ones by why."""

    rung: Counter[str]
    refused: Counter[str]


def _count(metrics: Metrics | None, dialer: Dialer, told: Told) -> Told:
    if metrics is None:
        return told
    for end, calls in (dialer.rung - told.rung).items():
        metrics.counter("churnwatch_calls_total", disposition=end).inc(calls)
    for reason, calls in (dialer.refused - told.refused).items():
        metrics.counter("churnwatch_calls_refused_total", reason=reason).inc(calls)
    return Told(dialer.rung.copy(), dialer.refused.copy())


def _always() -> bool:
    return True


def _told_later(
    settings: Settings, client: redis.Redis, queue: CallQueue, telephone: "Telephone | None"
) -> Callable[[], None]:
    """Takes dispositions from the Redis stream, and from answer files where there is a folder of them."""
    later = ToldLater(queue, codes_of(settings))
    stream = DispositionStream(client, settings.kafka.topic_prefix, later)

    def take() -> None:
        stream.read()
        if telephone is not None and telephone.drop is not None:
            read_answers(telephone.drop, later)

    return take


def _leave(queue: CallQueue) -> None:
    try:
        queue.leave()
    except redis.RedisError as error:
        log.warning("dialer.name_left_behind", problem=str(error))
