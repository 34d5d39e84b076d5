"""`--set` reaches every setting and every key of the policy, and says what is allowed when it does not."""

import pytest

from churnwatch.backtest.overrides import parts_with
from churnwatch.errors import UserError
from pipeline.policy import PolicyError


def test_settings_and_policy_keys_are_changed() -> None:
    parts = parts_with(
        [
            "engine.tick_s=7200",
            "policy.base_rate=0.05",
            "policy.soft.silence.on=0.9",
            'policy.hard.suspend.level="watch"',
        ],
        partitions=3,
    )

    assert parts.settings.engine.tick_s == 7200
    assert parts.settings.kafka.partitions == 3
    assert parts.policy.base_rate == 0.05
    assert parts.policy.soft["silence"].on == 0.9
    assert parts.policy.hard["suspend"].level == "watch"


def test_a_key_that_the_policy_file_leaves_at_its_default_can_be_set() -> None:
    assert parts_with(["policy.hard.downgrade.per_repeat=0.1"]).policy.hard["downgrade"].per_repeat == 0.1


def test_text_needs_no_quotes() -> None:
    assert parts_with(["policy.hard.suspend.level=watch"]).policy.hard["suspend"].level == "watch"


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("engine.tick", r"unknown key|write key=value"),
        ("engine.tick=1", r"unknown key \(perhaps `tick_s`\?\); allowed in `engine` are tick_s"),
        ("engin.tick_s=1", r"unknown key \(perhaps `engine`\?\).* kafka, redis, .*policy"),
        ("policy.soft.silenc.on=1", r"perhaps `silence`"),
        ("policy.soft.silence.onn=1", r"allowed in `policy.soft.silence` are origin, weight, on"),
        ("policy.base=1", r"allowed in `policy` are base_rate"),
        ("policy.soft=1", r"allowed in `policy.soft`"),
        ("=1", r"write key=value"),
    ],
)
def test_an_unknown_key_is_named_with_the_allowed_ones(assignment: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parts_with([assignment])


def test_a_wrong_value_is_told_by_the_key_that_was_given() -> None:
    with pytest.raises(
        UserError, match=r"--set engine.tick_s: `engine.tick_s` = 'often' is wrong; allowed is an integer"
    ):
        parts_with(["engine.tick_s=often"])


def test_a_policy_value_out_of_range_is_told() -> None:
    with pytest.raises(PolicyError, match=r"with --set policy.base_rate: .*<= 1.0"):
        parts_with(["policy.base_rate=7"])


def test_a_policy_that_contradicts_itself_is_told() -> None:
    with pytest.raises(PolicyError, match="must be below"):
        parts_with(["policy.soft.silence.off=0.99"])
