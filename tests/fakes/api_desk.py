"""The REST API over a store of tasks, with a token for every role and a vault with numbers of the first accounts."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import redis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from alerts.accounts.roles import StaffRole
from alerts.api.app import create_api
from alerts.api.context import Desk
from alerts.api.tokens import Token, new_token
from alerts.dialers.codes import read_codes
from alerts.dialers.signature import HookGate
from alerts.queue import CallQueue, queue_depth
from alerts.sealed import Sealer
from alerts.sealed_view import SealedView
from alerts.store import TaskStore
from alerts.vault import Vault
from tests.fakes.alert_records import NOON_MS

SECRET = b"shared with the dialer"
SEALER = Sealer("vault", "v1", bytes(range(32)))
#: In whose name the tokens act.
HOLDERS = {StaffRole.MANAGER: "m-1", StaffRole.CALLER: "c-1", StaffRole.SUPERVISOR: "s-1", StaffRole.DIALER: "d-1"}


@dataclass
class Keys:
    """Tokens in memory."""

    kept: dict[str, Token] = field(default_factory=dict)

    def token(self, token_id: str) -> Token | None:
        return self.kept.get(token_id)

    def make(self, role: StaffRole, holder: str | None = None, expires_ms: int | None = None) -> str:
        text, token = new_token(holder or HOLDERS.get(role, f"{role}-1"), role, NOON_MS, expires_ms)
        self.kept[token.token_id] = token
        return text


class Reports:
    def report(self, name: str, month: str | None) -> dict[str, object]:
        return {"report": name, "month": month}


@dataclass
class ApiUser:
    """Asks the API in one role after another."""

    app: FastAPI
    client: TestClient
    keys: Keys
    desk: Desk

    def headers(self, role: StaffRole, holder: str | None = None) -> dict[str, str]:
        return {"authorization": f"Bearer {self.keys.make(role, holder)}"}

    def get(self, role: StaffRole, path: str, holder: str | None = None) -> Response:
        return self.client.get(path, headers=self.headers(role, holder))

    def post(
        self,
        role: StaffRole,
        path: str,
        body: Mapping[str, object] | None = None,
        holder: str | None = None,
        version: int | None = None,
    ) -> Response:
        matched = {} if version is None else {"if-match": f'"{version}"'}
        return self.client.post(path, json=body, headers={**self.headers(role, holder), **matched})


def vault_view(client: redis.Redis, store: TaskStore) -> SealedView:
    return SealedView(client, store.keys.prefix, "vault")


def fill_vault(client: redis.Redis, store: TaskStore, lines: Mapping[str, str], ts_ms: int = NOON_MS) -> None:
    """Numbers of lines `l-<n>` of accounts `a-<n>`."""
    vault_view(client, store).put(
        {line: SEALER.seal(line, number.encode(), ts_ms, f"a{line[1:]}") for line, number in lines.items()}
    )


def api_user(client: redis.Redis, store: TaskStore, **changes: object) -> ApiUser:
    keys = Keys()
    desk = Desk(
        store=store,
        client=client,
        tokens=keys,
        vault=Vault(vault_view(client, store), SEALER, store),
        queue_of=lambda name: CallQueue(client, store, name),
        depth=lambda: queue_depth(client, store, time.time()),
        wall_ms=lambda: NOON_MS,
        codes=read_codes(),
        hooks=HookGate(SECRET, client, store.keys.prefix),
        reports=Reports(),
    )
    app = create_api(replace(desk, **changes))  # type: ignore[arg-type]  # a test names fields of the desk
    return ApiUser(app, TestClient(app, raise_server_exceptions=False), keys, desk)
