"""`churnwatch ingest --dry-run`, options of native formats, and the table of accounts: nothing here needs a broker."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from churnwatch.cli import app
from churnwatch.errors import UserError
from churnwatch.ingest.accounts import read_accounts
from churnwatch.settings import settings
from tests.fakes.gpp_records import MO
from tests.fakes.native_lines import CHINA, OWN, OWN_2, RIVAL, as_line
from tests.fakes.native_rows import RATED, RATED_ROW

MAP = """
stream = "care"
fields.ts_ms = {column = "when"}
fields.account_id = {column = "who"}
fields.kind = {constant = "complaint"}
fields.severity = {column = "how bad"}
fields.channel = {constant = "mail"}
"""
ROWS = "when,who,how bad\n2026-03-02T10:00:00Z,acme,3\n2026-03-02T11:00:00Z,acme,terrible\n"


@pytest.fixture(autouse=True)
def fresh_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """No broker, no key, no state: a dry run must not need or make any of them."""
    monkeypatch.setenv("CHURNWATCH_PRIVACY__KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("CHURNWATCH_INGEST__STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    # The logs of a command outlive it: in this process they would go on writing where the runner has closed.
    monkeypatch.setattr("churnwatch.logs.configure_logs", lambda process: None)
    settings.cache_clear()
    yield
    settings.cache_clear()


def ingest(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["ingest", *map(str, arguments)])


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_dry_run_shows_rows_as_they_would_become_and_leaves_nothing_behind(tmp_path: Path) -> None:
    rows, field_map = write(tmp_path / "mails.csv", ROWS), write(tmp_path / "my.toml", MAP)
    shown = ingest(rows, "--map", field_map, "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert f"{rows}, line 2 -> care: " in shown.output
    assert '"kind":"complaint"' in shown.output
    assert f"{rows}, line 3 -> refused, wrong_type: column 'how bad': no whole number" in shown.output
    assert "dry run: nothing was sent" in shown.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mails.csv", "my.toml"]


def test_a_dry_run_as_json_names_line_stream_and_reason(tmp_path: Path) -> None:
    rows, field_map = write(tmp_path / "mails.csv", ROWS), write(tmp_path / "my.toml", MAP)
    shown = json.loads(ingest(rows, "--map", field_map, "--dry-run", "--json").output.splitlines()[-1])
    (file,) = shown["files"]
    assert [(each["line"], each["stream"], each.get("reason", "")) for each in file["rows"]] == [
        (2, "care", ""),
        (3, "dead-letters", "wrong_type"),
    ]
    assert file["left_out"] == 1
    assert file["rows"][0]["record"]["severity"] == 3


def test_the_dry_run_of_a_native_format_stops_after_so_many_rows_and_names_unknown_trunks(tmp_path: Path) -> None:
    lines = b"\n".join(as_line({**MO, "callReference": str(number)}) for number in range(50))
    shown = ingest(write(tmp_path / "calls.json", lines), "--format", "3gpp", "--dry-run", "--rows", "2")
    assert shown.output.count(" -> cdr: ") == 2
    assert "1 trunk groups are not in numbers.trunks; prefixes decided, or it is `unknown`: TG-RB" in shown.output
    assert OWN not in shown.output


@pytest.mark.parametrize("line", [RATED_ROW, as_line(RATED), b"[" + as_line(RATED) + b"]"])
def test_cgrates_is_known_as_csv_or_json_by_its_first_line(tmp_path: Path, line: bytes) -> None:
    shown = ingest(write(tmp_path / "cdrs.export", line), "--format", "cgrates", "--dry-run")
    assert '"service":"voice"' in shown.output, shown.output


def test_a_map_that_does_not_fit_is_told_with_column_file_and_line(tmp_path: Path) -> None:
    rows, field_map = write(tmp_path / "mails.csv", ROWS), write(tmp_path / "my.toml", MAP.replace("how bad", "level"))
    told = ingest(rows, "--map", field_map, "--dry-run")
    assert isinstance(told.exception, UserError)
    assert f"{field_map}, line 6: [fields.severity] asks for the column 'level'" in str(told.exception)
    assert f"{rows} does not have; its header in line 1: when, who, how bad" in str(told.exception)


def test_options_that_do_not_go_together_are_wrong_use(tmp_path: Path) -> None:
    rows, field_map = write(tmp_path / "mails.csv", ROWS), write(tmp_path / "my.toml", MAP)
    assert ingest(rows, "--map", field_map, "--format", "3gpp").exit_code == 2
    assert ingest(rows, "--map", field_map, "--stream", "cdr").exit_code == 2
    assert isinstance(ingest(rows, "--format", "map").exception, UserError)


def test_records_before_since_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "calls.json", as_line(MO))
    told = ingest(file, "--format", "3gpp", "--dry-run", "--since", "2026-03-03")
    assert "refused, too_old: before the earliest time that is taken; see --since" in told.output


def test_the_table_of_accounts_gives_numbers_their_accounts(tmp_path: Path) -> None:
    table = write(tmp_path / "accounts.csv", f"number,account_id\n+{OWN},ACME-7\n")
    file = write(tmp_path / "calls.json", as_line(MO))
    shown = ingest(file, "--format", "3gpp", "--dry-run", "--accounts", table)
    assert '"account_id":"ACME-7"' in shown.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"+{OWN},A\nanonymous,B\n", "line 2: the first column is no number"),
        (f"+{OWN},A\n+{RIVAL}\n", "line 2: expected number,account_id"),
        (f"+{OWN},A\n{OWN},B\n", "line 2: this number is in another account above"),
        (b"\xff\xfe", "is no CSV in UTF-8"),
    ],
)
def test_a_wrong_table_of_accounts_is_told_with_its_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_accounts(write(tmp_path / "accounts.csv", text), CHINA)


def test_a_table_of_accounts_is_read_with_or_without_a_header(tmp_path: Path) -> None:
    rows = f"+{OWN},A\n\n00{OWN_2},B\n"
    for head in ("", "number,account_id\n", "\ufeffnumber,account_id\n"):
        assert read_accounts(write(tmp_path / "accounts.csv", head + rows), CHINA) == {f"+{OWN}": "A", f"+{OWN_2}": "B"}
    with pytest.raises(UserError, match="cannot read the accounts"):
        read_accounts(tmp_path / "none.csv", CHINA)
