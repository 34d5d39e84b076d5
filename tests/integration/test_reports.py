"""`churnwatch report` and the API's reports from what the real broker holds."""

import json
import subprocess

import msgspec
import pytest

from churnwatch.clients import kafka_producer
from churnwatch.errors import UserError
from churnwatch.report_reader import KafkaReports, report_maker
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics
from pipeline.events import BillingKind, BillingRecord, OrderKind, OrderRecord, Origin, OutcomeKind, OutcomeRecord
from tests.fakes.alert_records import DAY_MS, NOON_MS, customer_record, warning
from tests.fakes.command_line import run_command

MARCH = "2026-03"


@pytest.fixture
def filled(test_settings: Settings) -> Settings:
    """One customer who stays, one who was warned and left, one opened service without a visit, and a record that is none."""
    ensure_topics(test_settings)
    producer = kafka_producer(test_settings)

    def put(topic: str, account_id: str, value: object) -> None:
        text = value if isinstance(value, bytes) else msgspec.json.encode(value)
        producer.send(test_settings.topic(topic), key=account_id.encode(), value=text)

    for number in (1, 2):
        put("customers", f"a-{number}", customer_record(f"a-{number}", star=3))
    put("billing", "a-1", BillingRecord("b-1", NOON_MS, "a-1", BillingKind.INVOICE, 100.0))
    put("warnings", "a-2", warning("w-1", ts_ms=NOON_MS, account_id="a-2", line_id="l-2"))
    put(
        "orders",
        "a-2",
        OrderRecord("o-1", NOON_MS + 9 * DAY_MS, "a-2", OrderKind.PORT_OUT_DONE, Origin.CUSTOMER_TO_US, line_id="l-2"),
    )
    put("orders", "a-1", OrderRecord("o-2", NOON_MS, "a-1", OrderKind.PROVISIONING_DONE, Origin.CUSTOMER_TO_US))
    put("outcomes", "a-2", OutcomeRecord("x-1", NOON_MS, "a-2", OutcomeKind.DISPOSITION))
    put("orders", "a-2", b"{no record")
    producer.flush()
    producer.close()
    return test_settings


def test_reports_are_made_of_what_kafka_holds(filled: Settings) -> None:
    with report_maker(filled, NOON_MS + 20 * DAY_MS) as maker:
        made = {
            name: msgspec.to_builtins(maker.make(name, MARCH))
            for name in ("ladder", "lead-time", "return-visits", "playbooks")
        }
    three = made["ladder"]["rungs"][3]
    assert (three["at_start"], three["lost"], three["at_end"]) == (2, 1, 1)
    assert three["profit"] > 0
    assert (made["lead-time"]["churners"], made["lead-time"]["warned_days_median"]) == (1, 9.0)
    assert made["lead-time"]["reached"]["task"] == 0
    assert (made["return-visits"]["total"]["promised"], made["return-visits"]["total"]["missed"]) == (1, 1)
    assert {one["playbook"] for one in made["playbooks"]["playbooks"]} > {"price", "service"}


def test_the_api_makes_the_same_report_once_in_half_a_minute(filled: Settings) -> None:
    reports = KafkaReports(filled)
    first = reports.report("ladder", MARCH)
    assert first["month"] == MARCH
    assert reports.report("ladder", MARCH) is first


def test_the_command_prints_text_or_json_and_says_what_is_wrong(
    filled: Settings, test_environment: dict[str, str]
) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_command("report", *arguments, environment=test_environment)

    told = run("lead-time", "--month", MARCH, "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout.splitlines()[-1])["churners"] == 1
    text = run("ladder", "--month", MARCH)
    assert "profit_per_customer" in text.stdout
    with pytest.raises(UserError, match="write it as 2026-10"), report_maker(filled) as maker:
        maker.make("ladder", "March")
    with pytest.raises(UserError, match="there are ladder, lead-time"), report_maker(filled) as maker:
        maker.make("lader", None)
