"""The company's own sign-in, as section `oidc` of the settings names it."""

import ssl
import time
from pathlib import Path

import httpx2
import redis

from alerts.accounts.oidc.attempts import Attempts
from alerts.accounts.oidc.config import ClaimNames, ProviderConfig, ProviderConfigError, checked
from alerts.accounts.oidc.provider import Provider
from alerts.accounts.oidc.sign_in import ProviderRefusal, ProviderSignIn
from alerts.accounts.store import PeopleStore
from alerts.store import TaskStore
from alerts.tasks import Role, TaskEvent, TaskEventKind
from alerts.vault import write_down
from churnwatch.errors import UserError
from churnwatch.settings import OidcSettings, Settings

#: The chain of its own in which the auditor finds who was turned away.
LOG_ACCOUNT = "people:sign-in"


def provider_sign_in(
    settings: Settings, client: redis.Redis, people: PeopleStore, store: TaskStore
) -> ProviderSignIn | None:
    """None where none is configured. The provider need not answer yet.

    Raises:
        UserError: something is missing or wrong in the settings, or a file cannot be read.
    """
    oidc = settings.oidc
    if not oidc.issuer:
        return None
    try:
        config = checked(_config(oidc))
    except ProviderConfigError as error:
        raise UserError(str(error)) from None
    asking = httpx2.Client(timeout=oidc.timeout_s, follow_redirects=False, verify=_trusted(oidc.ca_file))

    def tell(login: str, why: ProviderRefusal) -> None:
        write_down(store, TaskEvent(
            account_id=LOG_ACCOUNT,
            ts_ms=store.now_ms(),
            kind=TaskEventKind.SIGN_IN_REFUSED,
            actor=login or "-",
            role=Role.SYSTEM,
            note=str(why),
        ))  # fmt: skip

    return ProviderSignIn(
        Provider(config, asking, time.monotonic), Attempts(client, settings.kafka.topic_prefix), people, tell
    )


def _config(oidc: OidcSettings) -> ProviderConfig:
    return ProviderConfig(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        public_url=oidc.public_url,
        roles=oidc.roles,
        name=oidc.name,
        secret=_secret(oidc.client_secret_file),
        scopes=tuple(oidc.scopes),
        algorithms=tuple(oidc.algorithms),
        claims=ClaimNames(oidc.login_claim, oidc.name_claim, oidc.roles_claim, oidc.inbox_claim),
        inboxes=oidc.inboxes,
    )


def _secret(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"oidc.client_secret_file: cannot read {path}: {error}") from None
    if not secret:
        raise UserError(f"oidc.client_secret_file: {path} is empty")
    return secret


def _trusted(path: Path | None) -> ssl.SSLContext:
    """The system's authorities, or those of this file alone."""
    try:
        return ssl.create_default_context(cafile=None if path is None else str(path))
    except OSError as error:
        raise UserError(f"oidc.ca_file: cannot read {path}: {error}") from None
