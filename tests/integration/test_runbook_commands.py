"""Every command that a runbook or a page for operators tells somebody to type, taken from the documents and run.

What runs in a container of ours runs here against the embedded broker and Redis: `churnwatch`, `redis-cli`, `du`, `df`. Docker
itself and Kafka's own scripts are not on every machine: of their lines everything that could be wrong in the document is
checked against docker-compose.yml and the topics that we create.
"""

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import yaml
from redis import Redis

from churnwatch.embedded import EmbeddedServices
from churnwatch.settings import Settings, read_settings
from churnwatch.topics import ensure_topics, planned_topics
from tests.fakes.alert_records import customer_record
from tests.fakes.command_line import run_command

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "operations").rglob("*.md"))
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = {
    name for name, service in SERVICES.items() if "churnwatch" in str(service.get("image", "")) or "build" in service
}
#: Verbs of `docker compose` and the options we use, with whether they take a value.
VERBS = {
    "ps": {}, "logs": {"--tail": True, "--follow": False}, "restart": {}, "stop": {}, "build": {}, "down": {}, "pull": {},
    "up": {"--detach": False, "--scale": True, "--build": False, "--wait": False}, "config": {"--quiet": False},
}  # fmt: skip
#: Options of Kafka's scripts (Apache Kafka 3.9 and 4.x), with whether they take a value.
KAFKA = {
    "kafka-consumer-groups.sh": {"--bootstrap-server": True, "--describe": False, "--all-groups": False, "--group": True},
    "kafka-get-offsets.sh": {"--bootstrap-server": True, "--topic": True},
    "kafka-topics.sh": {
        "--bootstrap-server": True, "--describe": False, "--unavailable-partitions": False, "--topic": True, "--list": False,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One command and where it stands."""

    page: str
    text: str

    def words(self) -> list[str]:
        """Without a filter behind it."""
        return shlex.split(self.text.partition(" | ")[0], comments=True)


def lines() -> list[Line]:
    found: dict[str, Line] = {}
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for text in block.replace("\\\n", " ").splitlines():
                if text.strip() and not text.startswith(("#", " ")):
                    found.setdefault(" ".join(text.split()), Line(page.name, " ".join(text.split())))
    return list(found.values())


LINES = lines()
COMPOSED = [line for line in LINES if line.text.startswith("docker compose ")]


def taken(words: list[str], options: dict[str, bool]) -> list[str]:
    """What is left of the words without these options; an unknown option fails."""
    left, at = [], 0
    while at < len(words):
        if words[at].startswith("-"):
            name = words[at].partition("=")[0]
            assert name in options, f"{name} is no option that we know"
            at += 1 + (options[name] and "=" not in words[at])
        else:
            left.append(words[at])
            at += 1
    return left


def inside(line: Line) -> tuple[str, list[str]] | None:
    """The service and the command that runs in its container; None for a line about the containers themselves."""
    words = line.words()[2:]
    if words[0] == "run":
        assert words[1] == "--rm", "a container that is not removed stays for ever"
        rest = words[4:] if words[2] == "--volume" else words[2:]
        return rest[0], ["churnwatch", *rest[1:]]
    if words[0] == "exec":
        rest = words[2:] if words[1] == "-T" else words[1:]
        return rest[0], rest[1:]
    return None


def ids(found: list[Line]) -> list[str]:
    return [line.text for line in found]


def test_there_are_commands_to_test_in_every_runbook() -> None:
    runbooks = {page.name for page in (ROOT / "docs" / "operations" / "runbooks").glob("*.md")}
    told = {page.name for page in PAGES if "```sh" in page.read_text(encoding="utf-8")}
    assert runbooks - told == set()
    assert len(COMPOSED) >= 20


@pytest.mark.parametrize("line", COMPOSED, ids=ids(COMPOSED))
def test_a_line_about_containers_names_services_that_there_are(line: Line) -> None:
    found = inside(line)
    if found is not None:
        assert found[0] in SERVICES
        return
    verb, *rest = line.words()[2:]
    left = taken(rest, {**VERBS[verb]}) if verb in VERBS else pytest.fail(f"docker compose {verb}?")
    scaled = re.findall(r"--scale (\S+)=\d+", line.text)
    assert {*left, *scaled} <= set(SERVICES)
    for event in re.findall(r"\| grep ([\w.]+)$", line.text):
        sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "churnwatch").rglob("*.py"))
        assert f'"{event}"' in sources, f"nothing logs {event}"


def commands(program: str) -> list[Line]:
    found = [line for line in COMPOSED if (told := inside(line)) is not None and Path(told[1][0]).name == program]
    return found + [line for line in LINES if line.words()[:1] == [program]]


def told(line: Line) -> list[str]:
    """The words of the command itself."""
    found = inside(line) if line.text.startswith("docker compose ") else None
    return found[1] if found else line.words()


@pytest.fixture(scope="module")
def environment(services: EmbeddedServices, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """As the containers are set up: the embedded broker and Redis under a prefix, keys in a folder."""
    folder = tmp_path_factory.mktemp("runbooks")
    return {
        **services.environment(),
        "CHURNWATCH_KAFKA__TOPIC_PREFIX": "runbooks",
        "CHURNWATCH_PRIVACY__VAULT_KEY_FILE": str(folder / "vault.key"),
        "CHURNWATCH_PRIVACY__KEY_FILE": str(folder / "pseudonym.key"),
    }


@pytest.fixture(scope="module")
def settings(environment: dict[str, str]) -> Settings:
    made = read_settings(environ=environment)
    ensure_topics(made)
    return made


OUR_COMMANDS = [line for line in commands("churnwatch") if told(line)[1] not in {"console", "worker", "demo", "tasks"}]


@pytest.mark.parametrize("line", OUR_COMMANDS, ids=ids(OUR_COMMANDS))
def test_a_command_of_ours_runs_to_its_end(
    line: Line, environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    assert settings.kafka.topic_prefix == "runbooks"
    records = tmp_path / "records"
    records.mkdir()
    (records / "customers.jsonl").write_bytes(msgspec.json.encode(customer_record()) + b"\n")
    words = [re.sub(r"^/(?=[a-z])", f"{tmp_path}/", word) for word in told(line)[1:]]
    done = run_command(*words, environment=environment, cwd=tmp_path)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, f"{done.stdout[-500:]}\n{done.stderr[-500:]}"


REDIS_COMMANDS = commands("redis-cli")


@pytest.mark.parametrize("line", REDIS_COMMANDS, ids=ids(REDIS_COMMANDS))
def test_redis_understands_what_it_is_asked(line: Line, services: EmbeddedServices) -> None:
    program = shutil.which("redis-cli")
    missing = "redis-cli is missing; apt-get install redis-tools"
    if program is None and os.environ.get("CI"):
        pytest.fail(missing)
    if program is None:
        pytest.skip(missing)
    with Redis.from_url(services.redis_url) as client:
        place = client.connection_pool.connection_kwargs
        where = ["-s", str(place["path"])] if "path" in place else ["-p", str(place["port"])]
    done = subprocess.run([program, *where, *told(line)[1:]], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stdout.startswith(("ERR", "(error)"))


KAFKA_COMMANDS = [line for line in COMPOSED if (asked := inside(line)) and asked[1][0].endswith(".sh")]


@pytest.mark.parametrize("line", KAFKA_COMMANDS, ids=ids(KAFKA_COMMANDS))
def test_a_script_of_kafka_is_asked_with_options_that_it_has_about_topics_that_there_are(line: Line) -> None:
    script, *rest = told(line)
    assert script.startswith("/opt/kafka/bin/")
    assert taken(rest, KAFKA[Path(script).name]) == []
    topics = {plan.name for plan in planned_topics(Settings())}
    assert set(re.findall(r"--topic (\S+)", line.text)) <= topics


DISK_COMMANDS = [line for line in COMPOSED if (asked := inside(line)) and asked[1][0] in {"du", "df"}]


@pytest.mark.parametrize("line", DISK_COMMANDS, ids=ids(DISK_COMMANDS))
def test_a_question_about_disk_space_is_about_a_volume_of_that_service(line: Line, tmp_path: Path) -> None:
    asked = inside(line)
    assert asked is not None
    service, (program, option, folder) = asked
    mounted = [str(volume).split(":")[1] for volume in SERVICES[service].get("volumes", []) if ":" in str(volume)]
    assert any(folder == place or folder.startswith(f"{place}/") for place in mounted), mounted
    done = subprocess.run([program, option, str(tmp_path)], capture_output=True, timeout=30, check=False)
    assert done.returncode == 0


def test_no_kind_of_command_escapes() -> None:
    tested = {line.text for line in [*OUR_COMMANDS, *REDIS_COMMANDS, *KAFKA_COMMANDS, *DISK_COMMANDS]}
    left = [line for line in COMPOSED if inside(line) is not None and line.text not in tested]
    starts = {told(line)[1] for line in left if Path(told(line)[0]).name == "churnwatch"}
    assert [line.text for line in left if Path(told(line)[0]).name != "churnwatch"] == []
    assert starts <= {"console", "worker", "demo", "tasks"}
