import re
import tomllib
from pathlib import Path

import pytest

from churnwatch.ingest.formats_document import FORMATS, PAGE, main, page
from churnwatch.ingest.plan import NATIVE_STREAMS
from pipeline.sources.field_map import check_field_map


def test_the_page_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_a_page_that_is_not_current_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("churnwatch.ingest.formats_document.PAGE", tmp_path / "formats.md")
    assert main(["--check"]) == 1
    assert "--write" in capsys.readouterr().err
    assert main(["--write"]) == 0
    assert (tmp_path / "formats.md").read_text() == page()


def test_every_native_format_is_on_the_page_with_a_table() -> None:
    told = {re.sub(r".*--format (\S+).*", r"\1", arguments) for _, arguments, _ in FORMATS}
    assert {name.value for name in NATIVE_STREAMS} - {"asterisk"} <= told
    for section in page().split("\n## ")[1:]:
        assert "|---|" in section, section[:40]


def test_the_field_map_in_the_guide_is_a_good_one() -> None:
    guide = (PAGE.parent / "ingest.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    assert tomllib.loads(example)["stream"] == "cdr"
    assert check_field_map("calls.toml", example).stream == "cdr"
