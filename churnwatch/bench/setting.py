"""What a bench runs on: embedded services, topics of its own, a folder that is gone afterwards."""

import contextlib
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from churnwatch.embedded import EmbeddedServices
from churnwatch.settings import Settings, read_settings
from churnwatch.topics import ensure_topics


@dataclass(frozen=True, slots=True)
class Setting:
    """Where processes under test find their broker, and where they may write."""

    settings: Settings
    environment: dict[str, str]
    folder: Path


@contextlib.contextmanager
def bench_setting(overrides: Mapping[str, str], redis_url: str = "redis://not-needed") -> Iterator[Setting]:
    """The broker of KAFKA_BOOTSTRAP or an embedded one, with topics under a new prefix; `overrides` are settings.

    `redis_url`: empty starts a Redis as well.
    """
    with (
        tempfile.TemporaryDirectory(prefix="churnwatch-bench-", ignore_cleanup_errors=True) as folder,
        EmbeddedServices(os.environ.get("KAFKA_BOOTSTRAP", ""), redis_url) as services,
    ):
        environment = {
            **services.environment(),
            "CHURNWATCH_KAFKA__TOPIC_PREFIX": f"bench{uuid.uuid4().hex[:8]}",
            "CHURNWATCH_PRIVACY__VAULT_KEY_FILE": str(Path(folder) / "vault.key"),
            **overrides,
        }
        settings = read_settings(environ=environment)
        ensure_topics(settings)
        yield Setting(settings, environment, Path(folder))
