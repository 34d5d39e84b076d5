"""Settings: what wins over what, and what a person is told about a wrong one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from churnwatch.errors import UserError
from churnwatch.settings import DEFAULT_FILE, Settings, SettingsError, read_settings

WriteToml = Callable[[str], Path]


@pytest.fixture
def write_toml(tmp_path: Path) -> WriteToml:
    def write(text: str, name: str = "mine.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(files: list[Path] | None = None, environ: dict[str, str] | None = None) -> str:
    """The message for these wrong settings."""
    with pytest.raises(SettingsError) as caught:
        read_settings(files=files or [], environ=environ or {})
    return str(caught.value)


def test_without_files_and_environment_every_setting_is_at_its_default() -> None:
    assert read_settings(files=[], environ={}) == Settings()


def test_the_shipped_file_changes_no_default() -> None:
    assert read_settings(files=[DEFAULT_FILE], environ={}) == Settings()


def test_a_later_file_wins_and_leaves_the_other_keys_of_its_section(tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text('[kafka]\npartitions = 4\ntopic_prefix = "one"\n')
    second.write_text('[kafka]\ntopic_prefix = "two"\n')

    merged = read_settings(files=[first, second], environ={})

    assert (merged.kafka.partitions, merged.topic("cdr")) == (4, "two.cdr")


def test_the_environment_wins_over_files(write_toml: WriteToml) -> None:
    path = write_toml("[console]\nport = 1111\n")

    assert read_settings(files=[path], environ={"CHURNWATCH_CONSOLE__PORT": "2222"}).console.port == 2222


def test_the_file_named_in_the_environment_is_read(write_toml: WriteToml) -> None:
    path = write_toml('[console]\nlanguage = "zh"\n')

    assert read_settings(environ={"CHURNWATCH_CONFIG": str(path)}).console.language == "zh"


def test_names_that_every_operator_knows_are_taken() -> None:
    merged = read_settings(files=[], environ={"KAFKA_BOOTSTRAP": "broker:9092", "REDIS_URL": "redis://store:6379/0"})

    assert (merged.kafka.bootstrap, merged.redis.url) == ("broker:9092", "redis://store:6379/0")


def test_the_long_name_wins_over_the_short_one() -> None:
    environ = {"CHURNWATCH_KAFKA__BOOTSTRAP": "long:1", "KAFKA_BOOTSTRAP": "short:1"}

    assert read_settings(files=[], environ=environ).kafka.bootstrap == "long:1"


def test_settings_made_by_hand_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA", '{"bootstrap": "surprise:1"}')
    monkeypatch.setenv("CHURNWATCH_KAFKA__BOOTSTRAP", "surprise:1")

    assert Settings().kafka.bootstrap == ""


def test_a_section_set_as_json_in_one_variable_is_not_taken() -> None:
    assert "CHURNWATCH_KAFKA names no setting" in refusal(environ={"CHURNWATCH_KAFKA": '{"partitions": 3}'})


def test_an_unknown_key_names_the_file_and_what_is_allowed(write_toml: WriteToml) -> None:
    path = write_toml("[console]\nprot = 8080\n")

    message = refusal(files=[path])

    assert message == f"{path}: unknown key `console.prot` (perhaps `port`?); allowed are host, port, names, language"


def test_an_unknown_section_names_the_sections(write_toml: WriteToml) -> None:
    message = refusal(files=[write_toml("[kafak]\nbootstrap = 'x'\n")])

    assert "unknown key `kafak` (perhaps `kafka`?)" in message
    assert "redis" in message


def test_a_key_outside_a_section_is_told_where_it_belongs(write_toml: WriteToml) -> None:
    message = refusal(files=[write_toml("kafka = 'broker:9092'\n")])

    assert "`kafka` is a section, not a value" in message
    assert "bootstrap" in message


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (
            "CHURNWATCH_CONSOLE__PORT",
            "99999",
            "`console.port` = '99999' is wrong; allowed is an integer from 0 to 65535",
        ),
        ("CHURNWATCH_CONSOLE__PORT", "", "`console.port` = '' is wrong; allowed is an integer from 0 to 65535"),
        ("CHURNWATCH_CONSOLE__LANGUAGE", "fr", "`console.language` = 'fr' is wrong; allowed is one of zh, en"),
        ("CHURNWATCH_KAFKA__HEARTBEAT_S", "0", "`kafka.heartbeat_s` = '0' is wrong; allowed is a number above 0"),
        ("CHURNWATCH_ENGINE__IDLE_MS", "0.5", "`engine.idle_ms` = '0.5' is wrong; allowed is an integer of 1 or more"),
        ("CHURNWATCH_KAFKA__TOPIC_PREFIX", "A b", "allowed is text that matches ^[a-z]"),
    ],
)
def test_a_wrong_value_names_the_variable_and_what_is_allowed(variable: str, value: str, told: str) -> None:
    message = refusal(environ={variable: value})

    assert message.startswith(f"environment variable {variable}: ")
    assert told in message


def test_two_faults_are_both_told(write_toml: WriteToml) -> None:
    path = write_toml("[console]\nport = -1\n")

    lines = refusal(files=[path], environ={"CHURNWATCH_REDIS__CONNECT_TIMEOUT_S": "soon"}).splitlines()

    assert [line.split(":")[0] for line in lines] == [
        "environment variable CHURNWATCH_REDIS__CONNECT_TIMEOUT_S",
        str(path),
    ]


@pytest.mark.parametrize("variable", ["CHURNWATCH_METRICS_PORT", "CHURNWATCH_BROKER__URL", "CHURNWATCH_KAFKA__"])
def test_a_variable_that_names_no_setting_is_refused(variable: str) -> None:
    assert f"environment variable {variable} names no setting" in refusal(environ={variable: "1"})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(files=[tmp_path / "none.toml"]) == f"there is no configuration file {tmp_path / 'none.toml'}"


@pytest.mark.parametrize("content", [b"[kafka\n", b"\xff\xfe", b"[kafka]\npartitions = \n"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)

    assert refusal(files=[path]).startswith(f"{path} is not valid TOML: ")


def test_a_settings_error_is_shown_as_a_message_and_not_as_a_traceback() -> None:
    assert issubclass(SettingsError, UserError)
