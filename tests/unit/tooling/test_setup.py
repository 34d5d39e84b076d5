"""`make setup`: what it says when something is missing, and that a second call does nothing."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

#: A Python that tells its version, whether it can make a .venv, and makes one, with a pip that notes what it is asked.
PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) exit {version_fault} ;;
    *ensurepip*) exit {venv_fault} ;;
    --version) echo "Python 3.9.1" ;;
    "-m venv .venv")
        mkdir -p .venv/bin
        printf '#!/bin/sh\\nsleep 0.2; echo "$*" >> pip.calls\\n' > .venv/bin/pip
        printf '#!/bin/sh\\necho "$*" >> python.calls\\n' > .venv/bin/python
        printf '#!/bin/sh\\n' > .venv/bin/churnwatch
        chmod +x .venv/bin/pip .venv/bin/python .venv/bin/churnwatch ;;
esac
"""

MakePython = Callable[..., Path]


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Path:
    """The files that `make setup` needs, in a folder of their own."""
    (tmp_path / ".ci").mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt", ".ci/setup"):
        shutil.copy(repository / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def make_python(checkout: Path) -> MakePython:
    def make(*, version_fault: int = 0, venv_fault: int = 0) -> Path:
        path = checkout / "python3.11"
        path.write_text(PYTHON.format(version_fault=version_fault, venv_fault=venv_fault), encoding="utf-8")
        path.chmod(0o755)
        return path

    return make


def make_setup(checkout: Path, python: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHON": str(python)}
    return subprocess.run(
        ["make", "--silent", "setup"],
        cwd=checkout, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def pip_calls(checkout: Path) -> list[str]:
    return (checkout / "pip.calls").read_text(encoding="utf-8").splitlines()


def test_a_missing_python3_venv_is_named_with_the_command_that_brings_it(
    checkout: Path, make_python: MakePython
) -> None:
    done = make_setup(checkout, make_python(venv_fault=1))

    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_another_python_is_named_with_its_version_and_how_to_choose_one(
    checkout: Path, make_python: MakePython
) -> None:
    done = make_setup(checkout, make_python(version_fault=1))

    assert done.returncode != 0
    assert "Python 3.9.1, but Churnwatch needs Python 3.11" in done.stderr


def test_everything_is_installed_with_the_pinned_versions(checkout: Path, make_python: MakePython) -> None:
    assert make_setup(checkout, make_python()).returncode == 0

    assert pip_calls(checkout) == [
        "install --quiet --no-compile --editable .[embedded,dashboards,dev] --constraint constraints.txt"
    ]
    assert (checkout / "python.calls").read_text(encoding="utf-8") == "-m compileall -q -j 0 .venv/lib\n"


def test_a_second_call_installs_nothing(checkout: Path, make_python: MakePython) -> None:
    python = make_python()

    for _ in range(2):
        assert make_setup(checkout, python).returncode == 0

    assert len(pip_calls(checkout)) == 1


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_dependency_is_installed(checkout: Path, make_python: MakePython, name: str) -> None:
    python = make_python()
    make_setup(checkout, python)
    later = time.time() + 10
    os.utime(checkout / name, (later, later))

    assert make_setup(checkout, python).returncode == 0

    assert len(pip_calls(checkout)) == 2


def test_two_calls_at_once_install_once(checkout: Path, make_python: MakePython) -> None:
    python = make_python()

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: make_setup(checkout, python), range(2)))

    assert [one.returncode for one in done] == [0, 0]
    assert len(pip_calls(checkout)) == 1


def test_an_installation_that_failed_is_tried_again(checkout: Path, make_python: MakePython) -> None:
    python = make_python()
    (checkout / ".venv" / "bin").mkdir(parents=True)
    pip = checkout / ".venv" / "bin" / "pip"
    pip.write_text('#!/bin/sh\necho "no such version" >&2\nexit 1\n', encoding="utf-8")
    pip.chmod(0o755)

    done = make_setup(checkout, python)

    assert done.returncode != 0
    assert "no such version" in done.stderr
    assert not (checkout / ".venv" / ".installed").exists()
