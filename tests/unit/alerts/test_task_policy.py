"""The rules of tasks: read, checked, and applied to signals."""

from pathlib import Path

import pytest

from alerts.policy import TASK_POLICY_FILE, TaskPolicyError, read_task_policy
from pipeline.events import Level
from tests.fakes.alert_records import signal

POLICY = read_task_policy()


def changed_file(folder: Path, old: str, new: str) -> Path:
    text = TASK_POLICY_FILE.read_text(encoding="utf-8")
    assert old in text
    path = folder / "tasks.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_shipped_policy_is_valid_and_names_every_disposition() -> None:
    assert POLICY.makes_task(Level.WARN)
    assert not POLICY.makes_task(Level.WATCH)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("port_code_issued", "port_out"),
        ("ownership_transfer", "port_out"),
        ("termination", "termination"),
        ("complaint", "service"),
        ("competitor_hotline", "competitor"),
        ("off_net_shift", "competitor"),
        ("spend_drop", "price"),
        ("usage_drop_voice", "inactivity"),
        ("silence", "inactivity"),
        ("something_new", "other"),
    ],
)
def test_a_signal_belongs_to_the_group_that_names_it_or_its_beginning(name: str, group: str) -> None:
    assert POLICY.group_of([signal(name)]).name == group


def test_the_most_urgent_group_of_a_strong_signal_decides() -> None:
    assert POLICY.group_of([signal("silence", 0.9), signal("port_out_order", 0.5)]).name == "port_out"


def test_a_weak_signal_does_not_decide_while_a_strong_one_is_there() -> None:
    assert POLICY.group_of([signal("silence", 0.9), signal("port_out_order", 0.1)]).name == "inactivity"


def test_without_a_strong_signal_the_strongest_decides() -> None:
    assert POLICY.group_of([signal("silence", 0.2), signal("spend_drop", 0.1)]).name == "inactivity"


def test_a_warning_without_signals_rests_on_the_score_and_belongs_to_the_last_group() -> None:
    assert POLICY.group_of([]).name == "other"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('create_from = "warn"', 'create_form = "warn"', "create_f"),
        ('create_from = "warn"', 'create_from = "loud"', "loud"),
        ('window = "09:00-20:00"', 'window = "9-20"', "window"),
        ("[dispositions.busy]\ndelay_hours = 1\n", "[dispositions.busy]\n", "dispositions.busy"),
        ('name = "price"', 'name = "service"', "same name"),
        ("seen_days = 180", "seen_days = ", "not valid TOML"),
    ],
)
def test_a_wrong_key_or_value_is_named_together_with_the_file(tmp_path: Path, old: str, new: str, named: str) -> None:
    path = changed_file(tmp_path, old, new)
    with pytest.raises(TaskPolicyError) as caught:
        read_task_policy(path)
    assert named in str(caught.value)
    assert "tasks.toml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaskPolicyError, match=r"nowhere\.toml"):
        read_task_policy(tmp_path / "nowhere.toml")
