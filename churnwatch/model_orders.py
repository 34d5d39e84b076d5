"""Orders to the trainer: into its one ordered log, so that a trainer that starts anew obeys them in their place."""

import time

import msgspec
from kafka.errors import KafkaError

from churnwatch.clients import kafka_producer
from churnwatch.errors import UserError
from churnwatch.model_log import find_model, published_models
from churnwatch.settings import Settings
from models.exchange import checksum
from models.orders import OrderKind, TrainerOrder
from pipeline.events import ModelMessage

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
    again = model_again(published_models(settings), version)
    give_order(settings, OrderKind.PIN, version=again.version)
    _send(settings, settings.topic("models"), again.version.encode(), msgspec.json.encode(again))
    return again.version


def model_again(models: list[ModelMessage], version: str) -> ModelMessage:
    """The model of this version as it is to be published in the place of the newest of these.

    Raises:
        UserError: there is none, it scores now, or the workers would refuse it: the trainer would be silenced for nothing.
    """
    model = find_model(models, version)
    newest = max(reversed(models), key=lambda one: one.counts_from_ms)  # of equals the last one counts
    if model.version == newest.version:
        raise UserError(f"{model.version} is what scores now; `churnwatch model list` shows the earlier ones")
    if checksum(model.body) != model.sha256:
        raise UserError(f"{model.version} was damaged (its checksum is another); take another version")
    if model.feature_schema != newest.feature_schema:
        raise UserError(
            f"{model.version} was made for features {model.feature_schema}, those of now are {newest.feature_schema}; take a "
            "later version"
        )
    return msgspec.structs.replace(model, counts_from_ms=newest.counts_from_ms)


def _send(settings: Settings, topic: str, key: bytes, value: bytes) -> None:
    producer = kafka_producer(settings, max_request_size=4_000_000)
    try:
        producer.send(topic, key=key, value=value).get(timeout=SEND_TIMEOUT_S)
    except KafkaError as error:
        raise UserError(f"Kafka did not take it into {topic} ({error}); try again") from error
    finally:
        producer.close(timeout=SEND_TIMEOUT_S)
