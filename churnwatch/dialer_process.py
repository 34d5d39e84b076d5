"""The dialer process: works the outbound queue until told to stop, and waits when Redis is away."""

import os
import socket
import threading

import redis
import structlog

from alerts.dialer import Dialer, Ring
from alerts.queue import CallQueue
from alerts.store.ledger import InboxNotReady
from churnwatch.clients import redis_client
from churnwatch.settings import Settings
from churnwatch.task_store import task_store

BLOCK_MS = 500
AWAY_PAUSE_S = 1.0

log = structlog.get_logger()


def run_dialer(settings: Settings, ring: Ring, stop: threading.Event) -> Dialer:
    """Dial what is due until `stop` is set; returns the dialer with its counts.

    Raises:
        UserError: Redis cannot be reached within the configured time.
    """
    client = redis_client(settings)
    queue = CallQueue(client, task_store(settings, client), f"{socket.gethostname()}-{os.getpid()}")
    dialer = Dialer(queue, ring)
    prepared = False
    while not stop.is_set():
        try:
            if not prepared:
                queue.prepare()
                prepared = True
            dialer.work(BLOCK_MS)
        except (redis.RedisError, InboxNotReady) as error:
            prepared = False
            log.warning("dialer.interrupted", problem=str(error), retry_s=AWAY_PAUSE_S)
            stop.wait(AWAY_PAUSE_S)
    _leave(queue)
    client.close()
    log.info("dialer.left", rung=dict(dialer.rung), refused=dict(dialer.refused))
    return dialer


def _leave(queue: CallQueue) -> None:
    try:
        queue.leave()
    except redis.RedisError as error:
        log.warning("dialer.name_left_behind", problem=str(error))
