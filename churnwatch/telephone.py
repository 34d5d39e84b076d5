"""The telephone system of the settings, as something that rings."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
import redis

from alerts.dialers.breaker import Breaker
from alerts.dialers.csv_drop import CsvDrop
from alerts.dialers.kinds import Adapter
from alerts.dialers.port import NumberOf, Ring
from alerts.dialers.vicidial import Vicidial, VicidialLogin
from alerts.dialers.webhook import Webhook
from alerts.queue import Lease
from alerts.tasks import Actor, Role, Task
from alerts.vault import ReadFor
from churnwatch.api_process import open_vault, shared_secret
from churnwatch.disposition_codes import codes_of
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from churnwatch.task_store import task_store

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Telephone:
    """`drop`: where answers are read from files."""

    ring: Ring
    breaker: Breaker
    drop: CsvDrop | None = None


def telephone(settings: Settings, adapter: Adapter, client: redis.Redis, name: str) -> Telephone:
    """The telephone system, dialled in the name of `name`.

    Raises:
        UserError: its address, secret, folder or table of codes is missing or wrong.
    """
    numbers = _numbers(settings, client, Actor(name, Role.DIALER))
    breaker = Breaker()
    if adapter is Adapter.CSV:
        try:
            drop = CsvDrop(settings.dialer.folder, numbers)
        except OSError as error:
            raise UserError(f"dialer.folder: cannot use {settings.dialer.folder}: {error.strerror}") from None
        return Telephone(drop, breaker, drop)
    url, secret = _address(settings), shared_secret(settings)
    if secret is None:
        raise UserError("dialer.secret_file is not set; it holds VICIdial's password, or what webhooks are signed with")
    http = httpx2.Client(timeout=TIMEOUT_S)
    if adapter is Adapter.WEBHOOK:
        return Telephone(Webhook(url, secret, numbers, codes_of(settings), http, breaker), breaker)
    if not settings.dialer.user:
        raise UserError("dialer.user is not set; it is the user of VICIdial's API")
    login = VicidialLogin(url, settings.dialer.user, secret.decode(), settings.dialer.list_id)
    return Telephone(Vicidial(login, numbers, http, breaker), breaker)


def _numbers(settings: Settings, client: redis.Redis, actor: Actor) -> NumberOf:
    vault = open_vault(settings, task_store(settings, client), client)

    def number(task: Task, lease: Lease) -> str | None:
        return vault.number(task.account_id, task.dialing_line_id or "", actor, ReadFor.DIAL, lease.call)

    return number


def _address(settings: Settings) -> str:
    """Raises `UserError`: none, or one over which numbers would travel in the open."""
    url = settings.dialer.url
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UserError(f"dialer.url: {url!r} is no address of a telephone system, as https://dialer.example/calls")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise UserError("dialer.url: numbers would travel in the open; use https, or http on this machine only")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
