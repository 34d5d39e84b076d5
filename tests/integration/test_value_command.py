"""`churnwatch value` and the choice of a country, from the command line to Redis."""

import json

import msgspec
import pytest

from alerts.clock import WallClock
from alerts.store import TaskStore
from churnwatch.clients import redis_client
from churnwatch.customer_value import explained, overview
from churnwatch.errors import UserError
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from tests.fakes.alert_records import managed


@pytest.fixture
def known(test_settings: Settings, topic_prefix: str) -> Settings:
    """Settings of an installation that has heard of one key account."""
    client = redis_client(test_settings)
    judged = dict.fromkeys(("demand_forecast", "social_influence", "brought_revenue", "overall_satisfaction"), 8.0)
    record = msgspec.structs.replace(managed(), indicators=judged)
    TaskStore(client, topic_prefix, WallClock()).directory.put([record], [], {})
    client.close()
    return test_settings


def test_an_overview_holds_every_figure_and_what_a_loss_means(known: Settings) -> None:
    figures = json.loads(overview(known, "a-1").as_json())
    assert figures["level"] == f"{figures['stars']}A"
    assert figures["loss_equals_customers"] == {"business": 79, "public": 338}
    assert {"current", "potential", "loyalty", "influence", "segment", "rfm", "grid"} <= figures.keys()


def test_a_figure_is_explained_as_data_and_in_lines(known: Settings) -> None:
    answer = explained(known, "a-1", "stars")
    told = json.loads(answer.as_json())
    assert told["result"] == overview(known, "a-1").figures["stars"]
    assert any(step["name"] == "overall" for step in told["steps"])
    assert "overall" in answer.as_text()


def test_who_asks_for_what_is_not_there_is_told(known: Settings) -> None:
    with pytest.raises(UserError, match="a-77"):
        overview(known, "a-77")
    with pytest.raises(UserError, match="there are stars, overall"):
        explained(known, "a-1", "karma")


def test_an_unknown_country_or_calendar_stops_every_process_and_names_what_is_allowed(
    test_environment: dict[str, str], known: Settings
) -> None:
    client = redis_client(known)
    lost = read_settings(environ={**test_environment, "CHURNWATCH_LAW__COUNTRY": "fr"})
    with pytest.raises(UserError, match=r"'fr'; allowed are cn, eu, in, uk, us"):
        task_store(lost, client)
    lost = read_settings(environ={**test_environment, "CHURNWATCH_LAW__HOLIDAYS": "ZZ"})
    with pytest.raises(UserError, match="'ZZ'"):
        task_store(lost, client)
    abroad = read_settings(
        environ={**test_environment, "CHURNWATCH_LAW__COUNTRY": "eu", "CHURNWATCH_LAW__HOLIDAYS": "DE-BY"}
    )
    assert task_store(abroad, client).rules.law.country == "eu"
    client.close()
