"""A model that one replay learnt scores another one, unchanged; what is none is told."""

from pathlib import Path

import pytest

from churnwatch.backtest.model_file import freeze, write_model_file
from churnwatch.backtest.overrides import parts_with
from churnwatch.errors import UserError


def test_no_model_learnt_means_none_to_keep(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="too few churners"):
        write_model_file(b"", tmp_path / "model.json")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot write"):
        write_model_file(b"{}", tmp_path / "nowhere" / "model.json")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"{}"])
def test_a_file_that_holds_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(content)

    with pytest.raises(UserError, match="holds no model"):
        freeze(parts_with([]), path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the model"):
        freeze(parts_with([]), tmp_path / "nowhere.json")
