"""Tables of dialers' codes: the shipped one is whole, a wrong one is named."""

from pathlib import Path

import pytest

from alerts.dialers.codes import CodesError, read_codes
from pipeline.events import Disposition


def test_the_shipped_table_reaches_every_disposition() -> None:
    table = read_codes()["vicidial"]
    assert set(table.codes.values()) == set(Disposition)
    assert table.of("SALE") is Disposition.REACHED_SAVED
    assert table.of("dncc") is Disposition.OPT_OUT
    assert table.of("busy") is Disposition.BUSY
    assert table.of("WHATEVER") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[codes]\nSALE = "sold"\n', "SALE = 'sold' is no disposition; allowed are reached_saved"),
        ("[codes]\nSALE = 1\n", "SALE = 1"),
        ('[code]\nSALE = "busy"\n', r"\[codes\]"),
        ("[codes]\n", r"\[codes\]"),
        ("[codes\n", "line 1"),
    ],
)
def test_a_wrong_table_is_named_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(CodesError, match=rf"(?s)mine\.toml.*{said}"):
        read_codes(tmp_path)
