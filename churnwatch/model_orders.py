"""Orders to the trainer: into its one ordered log, so that a trainer that starts anew obeys them in their place."""

import time

import msgspec

from churnwatch.clients import kafka_producer
from churnwatch.errors import UserError
from churnwatch.model_log import find_model, published_models
from churnwatch.settings import Settings
from models.orders import OrderKind, TrainerOrder

SEND_TIMEOUT_S = 10.0


def give_order(
    settings: Settings, kind: OrderKind, *, learn_held: bool = False, contestant: str = "", version: str = ""
) -> None:
    """Write an order behind the examples of now.

    Raises:
        UserError: Kafka cannot be reached.
    """
    given_ms = int(time.time() * 1000)
    order = TrainerOrder(kind, given_ms, learn_held=learn_held, contestant=contestant, version=version)
    _send(settings, settings.topic("examples"), b"order", msgspec.json.encode(order))


def put_back(settings: Settings, version: str) -> str:
    """Publish an earlier model again, from the moment on from which the newest counts; the trainer publishes no more.

    Raises:
        UserError: Kafka cannot be reached, there is no such model, or it was damaged.
    """
    models = published_models(settings)
    model = find_model(models, version)
    newest = max(reversed(models), key=lambda one: one.counts_from_ms)  # of equals the last one counts
    if model.version == newest.version:
        raise UserError(f"{model.version} is what scores now; `churnwatch model list` shows the earlier ones")
    give_order(settings, OrderKind.PIN, version=model.version)
    again = msgspec.structs.replace(model, counts_from_ms=newest.counts_from_ms)
    _send(settings, settings.topic("models"), again.version.encode(), msgspec.json.encode(again))
    return model.version


def _send(settings: Settings, topic: str, key: bytes, value: bytes) -> None:
    producer = kafka_producer(settings, max_request_size=4_000_000)
    try:
        producer.send(topic, key=key, value=value).get(timeout=SEND_TIMEOUT_S)
    finally:
        producer.close(timeout=SEND_TIMEOUT_S)
