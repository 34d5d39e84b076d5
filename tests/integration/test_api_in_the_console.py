"""The REST API as an operator runs it: inside the console's process and behind its guard, with tokens of the command line."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from alerts.accounts.roles import StaffRole
from alerts.store.rebuild import Rebuilder
from churnwatch.api_tokens import token_office
from churnwatch.clients import redis_client
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from tests.fakes.alert_records import managed, warning

READY_S = 60.0


@pytest.fixture
def environment(test_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        **test_environment,
        "CHURNWATCH_PRIVACY__VAULT_KEY_FILE": str(tmp_path / "vault.key"),
        "CHURNWATCH_CONSOLE__PORT": "0",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def settings(test_environment: dict[str, str], tmp_path: Path) -> Settings:
    return read_settings(
        environ={**test_environment, "CHURNWATCH_PRIVACY__VAULT_KEY_FILE": str(tmp_path / "vault.key")}
    )


@pytest.fixture
def url(environment: dict[str, str], settings: Settings) -> Iterator[str]:
    """The console with one task of m-1; it starts before there is any key."""
    client = redis_client(settings)
    store = task_store(settings, client)
    Rebuilder(client, store.keys, store.ledger).open_gate()
    store.directory.put([managed()], [], {})
    store.admit_warnings([warning()])
    from churnwatch.embedded import free_port

    command = [sys.executable, "-m", "churnwatch", "console", "--insecure-no-login"]
    process = subprocess.Popen(
        command, env={**environment, "CHURNWATCH_METRICS__PORT": str(free_port())}, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        found = next((match[0] for line in process.stdout if (match := re.search(r"http://\S+", line))), None)
        assert found is not None
        yield found.rstrip("/")
    finally:
        process.terminate()
        process.communicate(timeout=READY_S)
        client.close()


def test_a_token_works_at_once_and_the_guard_stands_before_the_api(url: str, settings: Settings) -> None:
    with httpx2.Client(base_url=f"{url}/api/v1") as visitor:
        assert visitor.get("/tasks").status_code == 401
        with token_office(settings) as office:
            text, token = office.create("m-1", StaffRole.MANAGER, None)
            headers = {"authorization": f"Bearer {text}"}
            page = visitor.get("/tasks", headers=headers)
            assert (page.status_code, page.json()["total"]) == (200, 1)
            assert page.headers["x-content-type-options"] == "nosniff"
            assert page.headers["cache-control"] == "no-store"
            task = page.json()["items"][0]
            path = f"/tasks/{task['task_id']}/claim"
            foreign = {**headers, "if-match": '"1"', "origin": "https://evil.example"}
            assert visitor.post(path, headers=foreign).status_code == 403
            claimed = visitor.post(path, headers={**headers, "if-match": '"1"'})
            assert (claimed.status_code, claimed.json()["accepted_by"]) == (200, "m-1")
            assert visitor.get("/openapi.json").json()["servers"] == [{"url": "/api/v1"}]
            office.revoke(token.token_id)
        assert visitor.get("/tasks", headers=headers).status_code == 401
