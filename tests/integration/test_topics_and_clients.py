import pytest
from kafka import KafkaProducer

from churnwatch.clients import kafka_admin, kafka_consumer, kafka_producer, redis_client
from churnwatch.embedded import EmbeddedServices, free_port
from churnwatch.errors import UserError
from churnwatch.settings import Settings, read_settings
from churnwatch.topics import describe_topics, ensure_topics, planned_topics


def with_environment(environment: dict[str, str], **more: str) -> Settings:
    return read_settings(environ={**environment, **more})


def test_all_topics_are_created_once_and_a_second_call_changes_nothing(test_settings: Settings) -> None:
    assert {state.problem for state in describe_topics(test_settings)} == {"missing"}
    first, second = ensure_topics(test_settings), ensure_topics(test_settings)
    assert [state.partitions for state in first] == [2] * 6 + [1] * 10
    assert [state.topic_id for state in first] == [state.topic_id for state in second]
    assert all(state.topic_id for state in first)


def test_what_is_looked_up_is_compacted_and_what_is_rebuilt_from_never_expires(test_settings: Settings) -> None:
    configs = {plan.name: plan.as_request()["configs"] for plan in planned_topics(test_settings)}
    prefix = test_settings.topic("")
    looked_up = {name.removeprefix(prefix) for name, config in configs.items() if config["cleanup.policy"] == "compact"}
    kept = {name.removeprefix(prefix) for name, config in configs.items() if config.get("retention.ms") == "-1"}
    assert (looked_up, kept) == (
        {"customers", "models", "rules", "line-views", "vault", "accounts"},
        {"examples", "task-events"},
    )


def test_another_number_of_partitions_is_refused_since_keys_would_move(test_environment: dict[str, str]) -> None:
    ensure_topics(with_environment(test_environment))
    with pytest.raises(UserError, match=r"\.cdr has 2 partitions instead of 4.*kafka\.partitions"):
        ensure_topics(with_environment(test_environment, CHURNWATCH_KAFKA__PARTITIONS="4"))


def test_what_a_producer_sends_a_consumer_reads_from_the_start(test_settings: Settings) -> None:
    ensure_topics(test_settings)
    topic = test_settings.topic("warnings")
    producer: KafkaProducer = kafka_producer(test_settings)
    producer.send(topic, b"value", key=b"key").get(10)
    producer.close()
    consumer = kafka_consumer(test_settings, topic, group_id="readers", consumer_timeout_ms=20_000)
    record = next(consumer)
    consumer.close()
    assert (record.key, record.value) == (b"key", b"value")


def test_a_broker_that_is_not_there_is_told_with_address_and_after_retries() -> None:
    settings = with_environment(
        {}, KAFKA_BOOTSTRAP=f"127.0.0.1:{free_port()}", CHURNWATCH_KAFKA__CONNECT_TIMEOUT_S="1.2"
    )
    with pytest.raises(UserError, match=r"cannot reach Kafka at 127\.0\.0\.1:\d+: .*tried [2-9] times"):
        kafka_admin(settings)


def test_a_port_where_something_else_listens_is_told_apart(services: EmbeddedServices) -> None:
    address = services.redis_url.removeprefix("redis://").partition("/")[0]
    settings = with_environment({}, KAFKA_BOOTSTRAP=address, CHURNWATCH_KAFKA__CONNECT_TIMEOUT_S="1")
    with pytest.raises(UserError, match="does not answer as a Kafka broker"):
        kafka_admin(settings)


@pytest.mark.parametrize(
    ("bootstrap", "message"),
    [("", "no Kafka broker configured; set KAFKA_BOOTSTRAP"), ("broker:port", "'broker:port' is not HOST:PORT")],
)
def test_a_wrong_address_is_named(bootstrap: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        kafka_admin(with_environment({}, KAFKA_BOOTSTRAP=bootstrap))


def test_redis_answers_with_text_and_repeats_no_command(test_settings: Settings) -> None:
    client = redis_client(test_settings)
    assert client.set("greeting", "hello")
    assert client.get("greeting") == "hello"
    assert client.connection_pool.connection_kwargs["retry"].get_retries() == 0
    client.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "no Redis configured; set REDIS_URL"),
        ("http://localhost", "not a Redis address"),
        ("redis://:secret@127.0.0.1:1/0", r"cannot reach Redis at 127\.0\.0\.1:1: (?!.*secret)"),
    ],
)
def test_a_redis_that_cannot_be_had_is_told_without_its_password(url: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        redis_client(with_environment({}, REDIS_URL=url, CHURNWATCH_REDIS__CONNECT_TIMEOUT_S="0.5"))


def test_a_refused_login_is_no_reason_to_wait(services: EmbeddedServices) -> None:
    url = services.redis_url.replace("redis://", "redis://:wrong@")
    with pytest.raises(UserError, match="refused the login"):
        redis_client(with_environment({}, REDIS_URL=url))
