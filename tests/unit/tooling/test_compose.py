"""docker-compose.yml, as far as it can be checked without a Docker engine: whatever it names exists and fits."""

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from churnwatch.settings import Settings, read_settings
from pipeline.metrics import METRICS_PORTS
from tests.fakes.command_line import run_command

OUR_PREFIXES = ("CHURNWATCH_", "KAFKA_BOOTSTRAP", "REDIS_URL")
INTERPOLATION = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")

Compose = dict[str, Any]


@pytest.fixture(scope="module")
def compose(repository: Path) -> Compose:
    document: Compose = yaml.safe_load((repository / "docker-compose.yml").read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def ours(compose: Compose) -> dict[str, Compose]:
    """The services that are Churnwatch processes."""
    return {name: service for name, service in compose["services"].items() if service["image"] == "churnwatch"}


def interpolated(value: object) -> str:
    """The value as compose would give it, with defaults taken and required variables made up."""
    return INTERPOLATION.sub(lambda found: found["rest"] if found["kind"] == "-" else "given", str(value))


def settings_of(service: Compose) -> Settings:
    environment = {name: interpolated(value) for name, value in service["environment"].items()}
    return read_settings(files=[], environ=environment)


def published(service: Compose) -> list[tuple[str, int, int]]:
    """(address, port of the host, port of the container) of each published port."""
    ports = [str(port).split(":") for port in service.get("ports", [])]
    return [(address, int(host), int(container)) for address, host, container in ports]


@pytest.fixture(scope="module")
def processes(ours: dict[str, Compose]) -> dict[str, Compose]:
    """Those of them that stay; ingest ends when its files are read."""
    return {name: service for name, service in ours.items() if name != "ingest"}


def test_the_processes_of_churnwatch_are_all_there(ours: dict[str, Compose]) -> None:
    assert set(ours) == {process.value for process in METRICS_PORTS} | {"ingest"}


@pytest.mark.parametrize("command", sorted([*(process.value for process in METRICS_PORTS), "ingest"]))
def test_every_command_is_one_of_the_command_line(command: str, ours: dict[str, Compose]) -> None:
    line = [interpolated(word) for word in ours[command]["command"]]
    assert line[0] == command

    done = run_command(*line, "--help")

    assert done.returncode == 0, done.stderr


def test_every_variable_of_ours_is_a_setting_with_an_allowed_value(ours: dict[str, Compose]) -> None:
    for service in ours.values():
        assert all(name.startswith(OUR_PREFIXES) for name in service["environment"])
        assert settings_of(service).kafka.bootstrap


def test_every_process_serves_metrics_where_prometheus_asks(repository: Path, processes: dict[str, Compose]) -> None:
    document = yaml.safe_load((repository / "config/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    asked = {
        name: int(discovery["port"])
        for job in document["scrape_configs"]
        for discovery in job["dns_sd_configs"]
        for name in discovery["names"]
    }

    assert asked == {name: settings_of(service).metrics.port for name, service in processes.items()}
    assert asked == {process.value: port for process, port in METRICS_PORTS.items()}
    assert {settings_of(service).metrics.host for service in processes.values()} == {"0.0.0.0"}


def test_the_kafka_and_redis_that_processes_ask_for_are_services(compose: Compose, ours: dict[str, Compose]) -> None:
    advertised = compose["services"]["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    inside = {listener.partition("://")[2] for listener in advertised if listener.startswith("INTERNAL")}

    for service in ours.values():
        assert settings_of(service).kafka.bootstrap in inside
        redis = urlsplit(settings_of(service).redis.url)
        assert (redis.hostname, redis.port) == ("redis", 6379)
        assert redis.hostname in compose["services"]


def test_every_listener_of_kafka_has_a_protocol_and_the_host_one_is_published(compose: Compose) -> None:
    kafka = compose["services"]["kafka"]
    environment = kafka["environment"]
    listeners = dict(entry.split("://:") for entry in environment["KAFKA_LISTENERS"].split(","))
    protocols = dict(entry.split(":") for entry in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    advertised = dict(entry.split("://") for entry in environment["KAFKA_ADVERTISED_LISTENERS"].split(","))

    assert set(protocols) == set(listeners)
    assert set(advertised) == set(listeners) - {environment["KAFKA_CONTROLLER_LISTENER_NAMES"]}
    assert all(address.rsplit(":")[-1] == listeners[name] for name, address in advertised.items())
    assert [container for _, _, container in published(kafka)] == [int(listeners["HOST"])]


def test_what_is_published_stays_on_this_host_and_collides_with_nothing(compose: Compose) -> None:
    ports = [port for service in compose["services"].values() for port in published(service)]

    assert {address for address, _, _ in ports} == {"127.0.0.1"}
    assert len({host for _, host, _ in ports}) == len(ports)


def test_the_console_is_published_on_the_port_it_listens_on(ours: dict[str, Compose]) -> None:
    console = settings_of(ours["console"]).console

    assert [container for _, _, container in published(ours["console"])] == [console.port]
    assert console.host == "0.0.0.0"


def test_only_processes_without_published_ports_are_scaled(ours: dict[str, Compose]) -> None:
    assert [name for name, service in ours.items() if published(service) and name != "console"] == []


def test_every_mounted_path_exists_and_every_volume_is_declared(compose: Compose, repository: Path) -> None:
    named = set()
    for service in compose["services"].values():
        for mount in service.get("volumes", []):
            source = interpolated(mount).split(":")[0]
            if source.startswith("."):
                assert source == "./var" or (repository / source).exists(), source
            else:
                named.add(source)

    assert named == set(compose["volumes"])


def test_a_service_waits_for_services_that_exist_and_can_be_healthy(compose: Compose) -> None:
    for service in compose["services"].values():
        for name, wait in service.get("depends_on", {}).items():
            assert wait == {"condition": "service_healthy"}
            assert "healthcheck" in compose["services"][name], name


def test_nothing_runs_as_root_or_with_rights_that_it_does_not_need(compose: Compose) -> None:
    for name, service in compose["services"].items():
        assert str(service["user"]).partition(":")[0] not in {"0", "root"}, name
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_everything_has_limits_and_what_stays_has_a_health_check(compose: Compose) -> None:
    for name, service in compose["services"].items():
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory", "pids"} <= set(limits), name
        assert name == "ingest" or service["healthcheck"].get("test"), name


def test_two_workers_run(ours: dict[str, Compose]) -> None:
    assert ours["worker"]["deploy"]["replicas"] == 2


def test_every_secret_is_a_file_that_the_guide_makes_and_no_value_stands_in_the_open(
    compose: Compose, repository: Path
) -> None:
    guide = "\n".join(
        (repository / "docs" / page).read_text(encoding="utf-8")
        for page in ("operations/compose.md", "notifications.md")
    )
    asked = {name for service in compose["services"].values() for name in service.get("secrets", [])}
    assert asked == set(compose["secrets"])
    for secret in compose["secrets"].values():
        assert secret["file"].removeprefix("./") in guide
    for service in compose["services"].values():
        named = [name for name in service.get("environment", {}) if re.search("PASSWORD|SECRET|KEY", name)]
        assert all(str(service["environment"][name]).startswith("/run/secrets/") for name in named), named


def test_only_those_who_seal_or_open_numbers_have_the_key_of_the_vault(ours: dict[str, Compose]) -> None:
    holders = {name for name, service in ours.items() if "vault_key" in service.get("secrets", [])}
    assert holders == {"console", "dialer", "ingest"}
    for name in holders:
        assert str(settings_of(ours[name]).privacy.vault_key_file) == "/run/secrets/vault_key"


def test_the_health_check_asks_for_metrics_on_the_configured_port(processes: dict[str, Compose]) -> None:
    for service in processes.values():
        program = service["healthcheck"]["test"][-1]
        compile(program, "healthcheck", "exec")
        assert "os.environ['CHURNWATCH_METRICS__PORT']" in program
        assert "CHURNWATCH_METRICS__PORT" in service["environment"]


def test_every_image_names_its_version(compose: Compose) -> None:
    images = {service["image"] for service in compose["services"].values()} - {"churnwatch"}

    assert [image for image in images if not re.search(r":v?\d+(\.\d+)+", image)] == []


def test_every_variable_asked_of_the_operator_is_explained(compose: Compose, repository: Path) -> None:
    guide = (repository / "docs/operations/compose.md").read_text(encoding="utf-8")
    values = [
        value
        for service in compose["services"].values()
        for value in [
            *service.get("environment", {}).values(),
            *service.get("volumes", []),
            *service.get("command", []),
        ]
    ]
    asked = {found["name"] for value in values for found in INTERPOLATION.finditer(str(value))}

    assert asked
    assert [name for name in asked if f"`{name}`" not in guide] == []


def test_grafana_finds_its_data_source_and_dashboards(compose: Compose, repository: Path) -> None:
    provisioning = repository / "config/grafana/provisioning"
    source = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text(encoding="utf-8"))["datasources"][0]
    provider = yaml.safe_load((provisioning / "dashboards/churnwatch.yml").read_text(encoding="utf-8"))["providers"][0]
    grafana = compose["services"]["grafana"]
    mounted = {mount.split(":")[1]: repository / mount.split(":")[0] for mount in grafana["volumes"]}

    url = urlsplit(source["url"])
    assert url.hostname in compose["services"]
    assert url.port in {container for _, _, container in published(compose["services"][url.hostname])}
    dashboards = mounted[provider["options"]["path"]]
    assert list(dashboards.glob("*.json"))
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (mounted[str(home.parent)] / home.name).exists()
    assert mounted["/etc/grafana/provisioning"] == provisioning


def test_prometheus_reads_the_configuration_that_is_mounted(compose: Compose, repository: Path) -> None:
    prometheus = compose["services"]["prometheus"]
    mounted = {mount.split(":")[1]: mount.split(":")[0] for mount in prometheus["volumes"]}
    file = Path(dict(part.lstrip("-").split("=") for part in prometheus["command"])["config.file"])

    assert (repository / mounted[str(file.parent)] / file.name).exists()


def test_the_image_copies_what_exists_and_leaves_nothing_out_that_it_copies(repository: Path) -> None:
    dockerfile = (repository / "Dockerfile").read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (?!--)(.+)$", dockerfile, re.MULTILINE) for name in line.split()[:-1]]
    let_through = re.findall(r"^!(.+)$", (repository / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)

    assert [name for name in copied if not (repository / name).exists()] == []
    assert sorted(copied) == sorted(let_through)


def test_the_image_starts_our_command_as_nobody_special(repository: Path) -> None:
    dockerfile = (repository / "Dockerfile").read_text(encoding="utf-8")
    scripts = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]

    entry = re.findall(r'^ENTRYPOINT \["(\w+)"\]$', dockerfile, re.MULTILINE)
    users = re.findall(r"^USER (\w+)$", dockerfile, re.MULTILINE)
    assert entry == list(scripts)
    assert users
    assert users[-1] not in {"root", "0"}
