"""The REST API as the settings want it, for the console to mount."""

import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from fastapi import FastAPI

from alerts.api.app import create_api
from alerts.api.context import Desk, ReportsAwayError
from alerts.api.tokens import SealedTokens
from alerts.dialers.codes import CodesError, read_codes
from alerts.dialers.signature import HookGate
from alerts.queue import CallQueue, queue_depth
from alerts.store import TaskStore
from alerts.vault import Vault
from churnwatch.errors import UserError
from churnwatch.report_reader import KafkaReports
from churnwatch.seals import ACCOUNTS, VAULT, KeyOnDemand, sealed_view
from churnwatch.settings import Settings

API_PATH = "/api/v1"
SECRET_BYTES_MIN = 16

log = structlog.get_logger()


class ApiReports:
    """Reports for the API: a broker that is away becomes `ReportsAwayError`."""

    def __init__(self, settings: Settings) -> None:
        self._made = KafkaReports(settings)

    def report(self, name: str, month: str | None) -> dict[str, Any]:
        """One report as a JSON object."""
        try:
            return self._made.report(name, month)
        except UserError as error:
            log.warning("report.away", problem=str(error))
            raise ReportsAwayError from None


def api_app(settings: Settings, store: TaskStore, client: redis.Redis) -> FastAPI:
    """The API over this store.

    Raises:
        UserError: a secret or a table of codes that cannot be used.
    """
    try:
        codes = read_codes()
    except CodesError as error:
        raise UserError(str(error)) from None
    reports = ApiReports(settings) if settings.kafka.bootstrap else None
    secret = shared_secret(settings)
    return create_api(
        Desk(
            store=store,
            client=client,
            tokens=SealedTokens(sealed_view(settings, client, ACCOUNTS), KeyOnDemand(settings, ACCOUNTS)),
            vault=open_vault(settings, store, client),
            queue_of=_queues(client, store),
            depth=lambda: queue_depth(client, store, time.time()),
            wall_ms=lambda: time.time_ns() // 1_000_000,
            codes=codes,
            hooks=HookGate(secret, client, settings.kafka.topic_prefix) if secret else None,
            reports=reports,
        )
    )


def open_vault(settings: Settings, store: TaskStore, client: redis.Redis) -> Vault:
    """The vault; its key is read with the first number."""
    return Vault(sealed_view(settings, client, VAULT), KeyOnDemand(settings, VAULT), store)


def shared_secret(settings: Settings) -> bytes | None:
    """What webhooks are signed with, both ways; None where none is configured.

    Raises:
        UserError: the file cannot be read, or holds too little to be a secret.
    """
    path = settings.dialer.secret_file
    if path is None:
        return None
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise UserError(f"dialer.secret_file: cannot read {path}: {error.strerror}") from None
    if len(secret) < SECRET_BYTES_MIN:
        raise UserError(
            f"dialer.secret_file: {path} holds {len(secret)} bytes; a secret has {SECRET_BYTES_MIN} or more"
        )
    return secret


def _queues(client: redis.Redis, store: TaskStore) -> Callable[[str], CallQueue]:
    return lambda name: CallQueue(client, store, name)
