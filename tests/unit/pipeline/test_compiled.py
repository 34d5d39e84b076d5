"""Compiled loops that are kept on the disk are those of the sources as they are."""

from pathlib import Path
from typing import Any, cast

import pytest

from models.scorers import slopes_of
from pipeline.compiled import ROOT, fingerprint, sources_of
from pipeline.sources import call_scan


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A loop that calls a loop of a module that has its constants from a third one; and a module that is not concerned."""
    sources = {
        "loop": "from pipeline.compiled import compiled\nfrom pipeline.called import step\n",
        "called": "from pipeline.compiled import inlined\nfrom pipeline.constants import SIZE\n",
        "constants": "from pipeline.other import NAME\nSIZE = 3\n",
        "other": "NAME = 'x'\n",
        "compiled": "import numba\n",
    }
    (tmp_path / "pipeline").mkdir()
    for name, text in sources.items():
        (tmp_path / "pipeline" / f"{name}.py").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["loop", "called", "constants", "compiled"])
def test_a_change_of_anything_that_a_loop_is_compiled_from_compiles_it_anew(package: Path, name: str) -> None:
    loop, changed = package / "pipeline" / "loop.py", package / "pipeline" / f"{name}.py"
    before = fingerprint(loop, package)

    changed.write_text(changed.read_text(encoding="utf-8") + "SIZE = 4\n", encoding="utf-8")

    assert fingerprint(loop, package) != before


def test_a_change_elsewhere_compiles_nothing(package: Path) -> None:
    loop, elsewhere = package / "pipeline" / "loop.py", package / "pipeline" / "other.py"
    before = fingerprint(loop, package)

    elsewhere.write_text("NAME = 'y'\n", encoding="utf-8")

    assert fingerprint(loop, package) == before


def test_the_scan_of_calls_is_compiled_anew_when_the_contract_or_its_tokens_change() -> None:
    module = Path(call_scan.__file__)
    names = {path.relative_to(ROOT).as_posix() for path in sources_of(module, ROOT)}
    assert {"pipeline/events.py", "pipeline/words.py", "pipeline/sources/plain_tokens.py"} < names


def test_a_loop_is_kept_in_the_folder_of_its_sources() -> None:
    module = ROOT / "models" / "scorers.py"
    assert f"scorers-{fingerprint(module)}" in cast(Any, slopes_of).stats.cache_path
