"""Numbers from a native file into the vault, through the real broker and the tasks process, until they are forgotten."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from alerts.accounts.roles import StaffRole
from alerts.api.tokens import SHAPE, SealedTokens, check
from alerts.sealed_view import SealedView
from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from alerts.tasks import Actor, Role, TaskEventKind
from alerts.vault import ReadFor, Vault
from churnwatch.api_tokens import token_office
from churnwatch.clients import redis_client
from churnwatch.errors import UserError
from churnwatch.ingest.formats import Formats
from churnwatch.ingest.plan import FileFormat, plan_files
from churnwatch.ingest.run import Ingest
from churnwatch.ingest.vault_fill import VaultFill
from churnwatch.seals import ACCOUNTS, VAULT, sealed_view, sealer
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from churnwatch.tasks_process import tasks_process
from churnwatch.vault_keeping import sweep_now
from pipeline.metrics import Metrics
from tests.fakes.command_line import run_command
from tests.fakes.native_lines import OWN, RIVAL
from tests.fakes.native_rows import SWITCH_ROW
from tests.fakes.topic_reader import read_topic

READY_S = 40.0


@pytest.fixture
def settings(test_environment: dict[str, str], tmp_path: Path) -> Settings:
    return read_settings(
        environ={
            **test_environment,
            "CHURNWATCH_INGEST__STATE_DIR": str(tmp_path / "state"),
            "CHURNWATCH_PRIVACY__KEY_FILE": str(tmp_path / "key"),
            "CHURNWATCH_PRIVACY__VAULT_KEY_FILE": str(tmp_path / "vault.key"),
            "CHURNWATCH_NUMBERS__COUNTRY_CODE": "86",
        }
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    connected = redis_client(settings)
    yield connected
    connected.close()


@pytest.fixture
def store(settings: Settings, client: redis.Redis) -> TaskStore:
    made = task_store(settings, client)
    Rebuilder(client, made.keys, made.ledger).open_gate()
    return made


def ingest(settings: Settings, folder: Path, *rows: bytes) -> int:
    path = folder / "switch.csv"
    path.write_bytes(b"".join(row + b"\n" for row in rows))
    formats = Formats(settings)
    fill = VaultFill(lambda: sealer(settings, VAULT), formats.caught)
    plan = plan_files([path], None, FileFormat.FREESWITCH)
    return Ingest(settings, plan, formats.reader, fill).run().numbers


def carried_over(settings: Settings, view: SealedView, wanted: int) -> None:
    """Run the tasks process until Redis shows so many numbers."""
    with tasks_process(settings, Metrics()) as process:
        process._consumer.subscribe([settings.topic("warnings")], listener=process)
        deadline = time.monotonic() + READY_S
        while view.count() != wanted:
            assert time.monotonic() < deadline
            process.step(100)


def audit(store: TaskStore) -> list[dict[str, str]]:
    rows = [json.loads(parcel.value) for parcel in store.outbox.pending(100) if parcel.topic == "task-events"]
    return [row for row in rows if row["kind"].startswith("number_")]


def test_numbers_of_our_lines_are_kept_sealed_and_read_with_a_trace(
    settings: Settings, client: redis.Redis, store: TaskStore, tmp_path: Path
) -> None:
    assert ingest(settings, tmp_path, SWITCH_ROW, SWITCH_ROW) >= 1
    records = {record.key: json.loads(record.value) for record in read_topic(settings, "cdr")}
    sealed = read_topic(settings, VAULT)
    everything = b"".join(record.value or b"" for record in (*sealed, *read_topic(settings, "cdr")))
    assert OWN.encode() not in everything
    assert RIVAL.encode() not in everything
    lines = {record["line_id"]: account for account, record in records.items()}
    assert {record.key for record in sealed} == set(lines)

    view = sealed_view(settings, client, VAULT)
    carried_over(settings, view, len(lines))
    vault = Vault(view, sealer(settings, VAULT), store)
    actor = Actor("c-1", Role.CALLER)
    numbers = {vault.number(str(lines[line]), line, actor, ReadFor.DIAL, "t:1") for line in lines}
    assert all(number and number.startswith("+86") for number in numbers)
    assert vault.number("somebody-else", next(iter(lines)), actor, ReadFor.DIAL, "t:1") is None
    told = audit(store)
    assert [(row["actor"], row["read_for"], row["note"]) for row in told] == [("c-1", "dial", "t:1")] * len(lines)
    assert not any(str(number) in json.dumps(told) for number in numbers)


def test_what_is_too_old_is_deleted_everywhere_and_said_so(
    settings: Settings, client: redis.Redis, store: TaskStore
) -> None:
    view = sealed_view(settings, client, VAULT)
    now_ms = time.time_ns() // 1_000_000
    old_ms = now_ms - int((settings.privacy.vault_days + 1) * 86_400_000)
    made = sealer(settings, VAULT)
    view.put({"l-old": made.seal("l-old", b"+861", old_ms, "a-1"), "l-new": made.seal("l-new", b"+862", now_ms, "a-1")})
    assert sweep_now(settings) == (1, 1)
    assert view.get("l-old") is None
    assert [(row["kind"], row["line_id"]) for row in audit(store)] == [(TaskEventKind.NUMBER_DELETED, "l-old")]
    assert [(record.key, record.value) for record in read_topic(settings, VAULT)] == [("l-old", b"")]
    assert sweep_now(settings) == (0, 1)


def test_a_token_is_kept_sealed_opens_until_it_is_revoked_and_survives_a_lost_redis(
    settings: Settings, client: redis.Redis, store: TaskStore
) -> None:
    with token_office(settings) as office:
        text, token = office.create("s-1", StaffRole.SUPERVISOR, days=1)
        keeper = SealedTokens(sealed_view(settings, client, ACCOUNTS), sealer(settings, ACCOUNTS))
        assert check(text, keeper, token.created_ms) == token
        assert check(text, keeper, token.created_ms + 86_400_000) is None
        kept = b"".join(record.value for record in read_topic(settings, ACCOUNTS))
        assert kept
        assert b"s-1" not in kept
        sealed_view(settings, client, ACCOUNTS).put({token.name: None})
        assert check(text, keeper, token.created_ms) is None
        carried_over(settings, sealed_view(settings, client, ACCOUNTS), 1)
        assert office.all() == [token]
        office.revoke(token.token_id)
        assert check(text, keeper, token.created_ms) is None
        with pytest.raises(UserError, match="no token"):
            office.revoke(token.token_id)
        with pytest.raises(UserError, match="no staff id"):
            office.create("no good", StaffRole.SUPERVISOR, None)


def test_a_token_is_made_on_the_command_line(test_environment: dict[str, str], tmp_path: Path) -> None:
    environment = {**test_environment, "CHURNWATCH_PRIVACY__VAULT_KEY_FILE": str(tmp_path / "vault.key")}
    made = run_command("token", "create", "--role", "dialer", "--holder", "d-1", "--json", environment=environment)
    assert made.returncode == 0, made.stderr
    assert SHAPE.fullmatch(json.loads(made.stdout.splitlines()[-1])["token"])
