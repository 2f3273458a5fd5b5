"""docker-compose.yml and ops/ against the compose specification, and against the code that they start.

There is no Docker here: what Compose would make of the file is read by `compose_spec`, after the variables of a .env
that the file's own head has made.
"""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from compose_spec import PyOptions, parse_duration

from service.guard import PROBES
from service.routes import application
from service.settings import Settings
from service.supervisor import MARGIN

ROOT: Final = Path(__file__).parent.parent
TEXT: Final = (ROOT / "docker-compose.yml").read_text("utf-8")
OURS: Final = ("undertone", "undertone-gpu")
LEFT_OUT: Final = {"UNDERTONE_OPEN"}
"""A setting that Compose does not hand on, for a reason which the file gives."""


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """${NAME:-default} and ${NAME:?message} as Compose replaces them.

    >>> interpolated("${A:-1} ${B:-2} ${C:?make one}", {"B": "3", "C": "4"})
    '1 3 4'
    """

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if kind == "?" and not variables.get(name):
            raise KeyError(f"{name}: {rest}")
        return variables.get(name) or rest

    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", value, text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """A caller's key and the .env, by the commands at the head of the file."""
    folder = tmp_path_factory.mktemp("env")
    head = TEXT.partition("\nname:")[0].splitlines()
    commands = [line.removeprefix("#     ") for line in head if re.match(r"#     (?!docker)", line)]
    said = subprocess.run(["bash", "-euc", "\n".join(commands)], cwd=folder, capture_output=True, text=True, check=True)
    lines = (folder / ".env").read_text("utf-8").splitlines()
    return said.stdout.strip().rpartition(" ")[2], dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def services(made: tuple[str, dict[str, str]]) -> dict[str, Any]:
    compose = PyOptions(apply_merge=True).from_yaml(interpolated(TEXT, made[1]))
    compose.validate()
    found: dict[str, Any] = compose.to_dict()["services"]
    return found


@pytest.fixture(scope="module")
def told() -> str:
    """What `python -m service` says of its own defaults."""
    command = [sys.executable, "-m", "service", "--help"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def default(option: str, told: str) -> str:
    found = re.search(rf"(?m)^ +--{option} .*\((\S+)\)$", told)
    assert found, f"no default of --{option} in {told}"
    return found[1]


def published(service: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for port in service.get("ports", ()):
        host, outside, inside = port.rsplit(":", 2)
        yield host, outside, inside


def mounted(service: Mapping[str, Any]) -> dict[str, Path]:
    """What a container sees of this repository, by where it sees it."""
    mounts = [mount.split(":") for mount in service["volumes"] if mount.startswith(".")]
    return {inside: ROOT / outside for outside, inside, _ in mounts}


def settings_read() -> set[str]:
    """Every variable that service/settings.py reads: its string constants that are a variable's name."""
    tree = ast.parse((ROOT / "service" / "settings.py").read_text("utf-8"))
    constants = {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {value for value in constants if re.fullmatch(r"UNDERTONE_[A-Z_]+|REDIS_URL", value)}


def test_these_are_the_services(services: dict[str, Any]) -> None:
    assert set(services) == {*OURS, "redis", "prometheus", "alertmanager", "grafana"}
    assert {name for name, service in services.items() if "profiles" in service} == {"undertone-gpu", "alertmanager"}
    images = [service["image"] for service in services.values() if "build" not in service]
    assert all(re.search(r":v?\d+\.\d+\.\d+", image) for image in images), images


@pytest.mark.parametrize("name", ["UNDERTONE_STATE_KEY", "UNDERTONE_API_KEYS", "GRAFANA_PASSWORD"])
def test_nothing_starts_without_its_secret(name: str, made: tuple[str, dict[str, str]]) -> None:
    with pytest.raises(KeyError, match=f"{name}: see the head"):
        interpolated(TEXT, {**made[1], name: ""})


@pytest.mark.parametrize("name", OURS)
def test_the_code_takes_the_environment(name: str, services: dict[str, Any], made: tuple[str, dict[str, str]]) -> None:
    environment = {key: value for key, value in services[name]["environment"].items() if value is not None}
    settings = Settings.read(environment)
    key, _ = made
    assert settings.api_keys == {hashlib.sha256(key.encode()).hexdigest(): "me"}
    assert settings.redis_url == "redis://redis:6379/0"
    assert settings.metrics_open, "Prometheus has no key"
    assert not settings.open


def test_names_of_settings_are_the_code_s(services: dict[str, Any]) -> None:
    assert set(services["undertone"]["environment"]) == settings_read() - LEFT_OUT
    ops = [path.read_text("utf-8") for path in (ROOT / "ops").rglob("*") if path.is_file()]
    assert set(re.findall(r"UNDERTONE_[A-Z_]+", "".join([TEXT, *ops]))) == settings_read() - {"REDIS_URL"}


def test_the_gpu_variant_differs_in_what_a_gpu_needs(services: dict[str, Any]) -> None:
    one, other = (services[name] for name in OURS)
    different = {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
    assert different == {"profiles", "image", "build", "ports", "deploy"}
    devices = other["deploy"]["resources"]["reservations"]["devices"]
    assert [(device["driver"], device["capabilities"]) for device in devices] == [("nvidia", ["gpu"])]


def test_ports_are_the_service_s_on_loopback_and_do_not_clash(services: dict[str, Any], told: str) -> None:
    ports = {name: list(published(service)) for name, service in services.items()}
    assert all(host == "127.0.0.1" for found in ports.values() for host, _, _ in found)
    outside = [port for found in ports.values() for _, port, _ in found]
    assert len(outside) == len(set(outside)) == 5
    assert {inside for name in OURS for _, _, inside in ports[name]} == {default("port", told)}
    assert not ports["redis"]


def test_health_checks(services: dict[str, Any], told: str) -> None:
    assert all("healthcheck" in service for service in services.values())
    check = services["undertone"]["healthcheck"]["test"]
    assert check[:3] == ["CMD", "python", "-c"]
    asked = re.search(r"HTTPConnection\('127\.0\.0\.1', (\d+).*request\('GET', '([^']+)'", check[3])
    assert asked is not None
    assert asked[1] == default("port", told)
    assert asked[2] in PROBES


def test_what_is_waited_for_is_there_and_has_a_health_check(services: dict[str, Any]) -> None:
    waited = {other: wait for service in services.values() for other, wait in service.get("depends_on", {}).items()}
    assert set(waited) == {"redis", "prometheus"}
    assert all(wait["condition"] == "service_healthy" for wait in waited.values())


def test_the_service_can_write_nowhere_but_tmp(services: dict[str, Any]) -> None:
    service = services["undertone"]
    assert service["read_only"] is True
    assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]  # noqa: S108 - the container's
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "volumes" not in service


def test_requests_end_before_the_container_is_killed(services: dict[str, Any]) -> None:
    assert parse_duration(services["undertone"]["stop_grace_period"]) > Settings().grace + MARGIN


def test_only_the_service_reaches_redis_which_drops_only_what_has_a_lifetime(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "store" in service["networks"]} == {*OURS, "redis"}
    assert services["redis"]["networks"] == ["store"]
    assert yaml.safe_load(TEXT)["networks"]["store"]["internal"] is True
    command = services["redis"]["command"]
    assert re.search(r"--maxmemory \d+mb --maxmemory-policy volatile-", command)
    assert "--appendonly yes" in command
    assert services["redis"]["volumes"] == ["redis-data:/data"]


def test_what_is_mounted_from_here_exists_and_is_read_only(services: dict[str, Any]) -> None:
    mounts = [mount.split(":") for service in services.values() for mount in service.get("volumes", ())]
    ours = [mount for mount in mounts if mount[0].startswith(".")]
    assert {source for source, _, _ in ours} == {
        "./ops/prometheus",
        "./docs/runbooks",
        "./ops/alertmanager",
        "./ops/grafana/provisioning/datasources",
        "./ops/grafana/provisioning/dashboards",
        "./ops/grafana/dashboards",
    }
    for source, _, mode in ours:
        assert any((ROOT / source).glob("*.[yjm]*")), f"{source} is empty"
        assert mode == "ro"


def test_prometheus_scrapes_what_the_code_answers(services: dict[str, Any], told: str) -> None:
    config = yaml.safe_load((ROOT / "ops" / "prometheus" / "prometheus.yml").read_text("utf-8"))
    assert "--config.file=/etc/prometheus/prometheus.yml" in services["prometheus"]["command"]
    (job,) = (job for job in config["scrape_configs"] if job["job_name"] == "undertone")
    routes = {getattr(route, "path", "") for route in application(lambda: pytest.fail("not to be called")).routes}
    assert job["metrics_path"] in routes
    (found,) = job["dns_sd_configs"]
    targets = [*job["static_configs"][0]["targets"], *(f"{name}:{found['port']}" for name in found["names"])]
    assert targets == [f"{name}:{default('port', told)}" for name in OURS]
    assert all("watch" in services[name]["networks"] for name in (*OURS, "prometheus"))


def test_grafana_reads_that_prometheus(services: dict[str, Any]) -> None:
    inside = mounted(services["grafana"])
    folder = inside["/etc/grafana/provisioning/datasources"]
    (source,) = yaml.safe_load((folder / "prometheus.yml").read_text("utf-8"))["datasources"]
    (port,) = (inside for _, _, inside in published(services["prometheus"]))
    assert source["url"] == f"http://prometheus:{port}"
    assert set(services["grafana"]["networks"]) & set(services["prometheus"]["networks"])
    (provider,) = yaml.safe_load((inside["/etc/grafana/provisioning/dashboards"] / "undertone.yml").read_text("utf-8"))[
        "providers"
    ]
    assert any(inside[provider["options"]["path"]].glob("*.json"))


def test_prometheus_finds_its_rules_and_alertmanager(services: dict[str, Any]) -> None:
    folder = mounted(services["prometheus"])["/etc/prometheus"]
    config = yaml.safe_load((folder / "prometheus.yml").read_text("utf-8"))
    assert {path.name for pattern in config["rule_files"] for path in folder.glob(pattern)} == {
        "alerts.yml",
        "recording.yml",
    }
    runbooks = config["global"]["external_labels"]["runbooks"]
    ((_, outside, _),) = published(services["prometheus"])
    assert runbooks == f"http://127.0.0.1:{outside}/user"
    assert "--web.user-assets=/etc/runbooks" in services["prometheus"]["command"]
    assert mounted(services["prometheus"])["/etc/runbooks"] == ROOT / "docs" / "runbooks"
    (manager,) = config["alerting"]["alertmanagers"]
    ((found,), ((_, _, port),)) = manager["dns_sd_configs"], published(services["alertmanager"])
    assert (found["names"], str(found["port"])) == (["alertmanager"], port)
    assert set(services["alertmanager"]["networks"]) & set(services["prometheus"]["networks"])


def test_alertmanager_reads_its_configuration_and_its_one_secret(services: dict[str, Any]) -> None:
    service = services["alertmanager"]
    option, path = service["command"][0].split("=")
    assert option == "--config.file"
    folder, _, name = path.rpartition("/")
    text = (mounted(service)[folder] / name).read_text("utf-8")
    (secret,) = service["secrets"]
    assert set(re.findall(r"_file: (\S+)", text)) == {f"/run/secrets/{secret}"}
    (file,) = yaml.safe_load(TEXT)["secrets"][secret].values()
    assert f"/{Path(file).name}" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
