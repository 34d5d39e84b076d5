"""Section `oidc` of the settings, as the console reads it: what is wrong is named, and a refusal reaches the audit's log."""

from pathlib import Path

import msgspec
import pytest

from alerts.accounts.oidc.sign_in import ProviderRefusal
from alerts.accounts.store import PeopleStore
from alerts.chain import verify
from alerts.store.rebuild import Rebuilder
from alerts.tasks import TaskEvent, TaskEventKind
from churnwatch.clients import redis_client
from churnwatch.console_process import allowed_hosts
from churnwatch.errors import UserError
from churnwatch.provider import LOG_ACCOUNT, provider_sign_in
from churnwatch.settings import Settings, SettingsError, read_settings
from churnwatch.task_store import task_store

GOOD = {
    "CHURNWATCH_OIDC__ISSUER": "https://id.example",
    "CHURNWATCH_OIDC__CLIENT_ID": "churnwatch",
    "CHURNWATCH_OIDC__PUBLIC_URL": "https://console.example",
    "CHURNWATCH_OIDC__ROLES": '{"cw-audit": "auditor"}',
}


def made(environ: dict[str, str], settings: Settings) -> object:
    client = redis_client(settings)
    try:
        store = task_store(settings, client)
        people = PeopleStore(client, settings.kafka.topic_prefix)
        return provider_sign_in(read_settings(environ={**environ}), client, people, store)
    finally:
        client.close()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"CHURNWATCH_OIDC__ISSUER": "http://id.example"}, "oidc.issuer"),
        ({"CHURNWATCH_OIDC__PUBLIC_URL": ""}, "oidc.public_url"),
        ({"CHURNWATCH_OIDC__CLIENT_ID": ""}, "oidc.client_id"),
        ({"CHURNWATCH_OIDC__ROLES": "{}"}, "oidc.roles is empty"),
        ({"CHURNWATCH_OIDC__ROLES": '{"x": "dialer"}'}, "no person is a dialer"),
        ({"CHURNWATCH_OIDC__SCOPES": '["profile"]'}, "oidc.scopes must hold openid"),
        ({"CHURNWATCH_OIDC__CLIENT_SECRET_FILE": "no/such/file"}, "oidc.client_secret_file"),
        ({"CHURNWATCH_OIDC__CA_FILE": "no/such/file"}, "oidc.ca_file"),
    ],
)
def test_what_is_wrong_with_the_provider_is_named(test_settings: Settings, changed: dict[str, str], named: str) -> None:
    with pytest.raises(UserError, match=named):
        made({**GOOD, **changed}, test_settings)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_signatures_that_prove_nothing_cannot_be_allowed(algorithm: str) -> None:
    with pytest.raises(SettingsError, match="algorithms"):
        read_settings(environ={**GOOD, "CHURNWATCH_OIDC__ALGORITHMS": f'["{algorithm}"]'})


def test_the_console_answers_under_the_name_that_the_provider_sends_people_back_to() -> None:
    assert "console.example" in allowed_hosts(read_settings(environ=GOOD), login=True)
    assert "console.example" not in allowed_hosts(read_settings(environ={}), login=True)


def test_without_an_issuer_people_sign_in_by_password_alone(test_settings: Settings) -> None:
    assert made({}, test_settings) is None


def test_whoever_was_turned_away_stands_in_a_chain_of_the_log(test_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("shh\n", encoding="utf-8")
    environ = {**GOOD, "CHURNWATCH_OIDC__CLIENT_SECRET_FILE": str(tmp_path / "secret")}
    client = redis_client(test_settings)
    store = task_store(test_settings, client)
    Rebuilder(client, store.keys, store.ledger).open_gate()
    by_provider = provider_sign_in(read_settings(environ=environ), client, PeopleStore(client, "x"), store)
    assert by_provider is not None
    assert by_provider.name == "SSO"
    for why in (ProviderRefusal.NO_ROLE, ProviderRefusal.SHUT):
        by_provider._write_down("ada@sso", why)
    told = [msgspec.json.decode(parcel.value, type=TaskEvent) for parcel in store.outbox.pending(10)]
    assert verify(told) == {LOG_ACCOUNT: 2}
    assert [(event.kind, event.actor, event.note) for event in told] == [
        (TaskEventKind.SIGN_IN_REFUSED, "ada@sso", "no_role"), (TaskEventKind.SIGN_IN_REFUSED, "ada@sso", "shut"),
    ]  # fmt: skip
    client.close()
