"""Fixtures that every test may use: the real broker and Redis, and settings that point at them."""

import os
import uuid
from collections.abc import Iterator

import hypothesis
import pytest

from churnwatch.embedded import EmbeddedServices
from churnwatch.settings import Settings, read_settings
from tests.fakes.tcp_proxy import TcpProxy, services_behind_proxy

#: How long an example takes in wall time says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy machine")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a `long` test come first, so that none is left to run alone at the end."""
    long_files = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long_files)


@pytest.fixture(scope="session")
def services() -> Iterator[EmbeddedServices]:
    """The broker and Redis named by KAFKA_BOOTSTRAP and REDIS_URL, else embedded ones, for the whole session."""
    with EmbeddedServices(os.environ.get("KAFKA_BOOTSTRAP", ""), os.environ.get("REDIS_URL", "")) as running:
        yield running


@pytest.fixture(scope="session")
def proxied_services() -> Iterator[tuple[EmbeddedServices, TcpProxy]]:
    """An embedded broker behind a proxy that can cut it off."""
    with services_behind_proxy() as running:
        yield running


@pytest.fixture
def topic_prefix() -> str:
    """A prefix of this test alone, so that tests share one broker without seeing each other."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
def test_environment(services: EmbeddedServices, topic_prefix: str) -> dict[str, str]:
    """Environment variables for a process under test.

    Two partitions instead of eight: each has ticks of its own, which cost the same however few lines there are.
    """
    nobody_left_alone = {"CHURNWATCH_TASKS__HOLDOUT_PUBLIC": "0", "CHURNWATCH_TASKS__HOLDOUT_BUSINESS": "0"}
    own_topics = {"CHURNWATCH_KAFKA__TOPIC_PREFIX": topic_prefix, "CHURNWATCH_KAFKA__PARTITIONS": "2"}
    return {**services.environment(), **nobody_left_alone, **own_topics}


@pytest.fixture
def test_settings(test_environment: dict[str, str]) -> Settings:
    """Settings wired to the services under this test's prefix."""
    return read_settings(environ=test_environment)
