from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import murmur2 as murmur2_of_kafka_python

from pipeline.partitioning import murmur2, partition_of, partitions_of

# From Apache Kafka's own UtilsTest: signed results of its Java murmur2.
KAFKA_EXAMPLES = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


def test_murmur2_gives_what_apache_kafka_tests_for() -> None:
    for key, signed in KAFKA_EXAMPLES.items():
        assert murmur2(key) == signed % 2**32, key


@given(st.binary(max_size=64))
def test_murmur2_agrees_with_kafka_python_for_any_bytes(key: bytes) -> None:
    assert murmur2(key) == murmur2_of_kafka_python(key)


@given(st.lists(st.text(max_size=20), max_size=50), st.integers(1, 64))
def test_many_keys_at_once_go_where_each_goes_alone(keys: list[str], partitions: int) -> None:
    assert partitions_of(keys, partitions).tolist() == [partition_of(key, partitions) for key in keys]


def test_keys_spread_over_all_partitions() -> None:
    counts = [0] * 8
    for partition in partitions_of([f"account-{number}" for number in range(8000)], 8).tolist():
        counts[partition] += 1
    assert min(counts) > 800
