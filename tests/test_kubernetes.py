"""ops/kubernetes/ against the schemas of Kubernetes, the code, the Dockerfile and docker-compose.yml."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from service.guard import PROBES
from service.routes import application
from service.settings import Settings
from service.supervisor import MARGIN
from tests.test_compose import default, settings_read, told
from tests.test_dockerfile import environment, instructions

ROOT: Final = Path(__file__).parent.parent
OPS: Final = ROOT / "ops"
FOLDER: Final = OPS / "kubernetes"
FILES: Final = ("undertone", "undertone-gpu")
SECRETS: Final = {"REDIS_URL", "UNDERTONE_STATE_KEY", "UNDERTONE_API_KEYS"}
VERSIONS: Final = ("1.30", "1.37")
"""Of Kubernetes: the first that has everything, and the last that the package knows."""
UNIT: Final = {"Mi": 2**20, "Gi": 2**30}

__all__ = ["told"]  # a fixture


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text("utf-8")))


def named(name: str, kind: str) -> dict[str, Any]:
    (found,) = (document for document in documents(name) if document["kind"] == kind)
    return found


def pod(name: str) -> dict[str, Any]:
    return dict(named(name, "Deployment")["spec"]["template"]["spec"])


def container(name: str) -> dict[str, Any]:
    (only,) = pod(name)["containers"]
    return dict(only)


def labels(name: str) -> dict[str, str]:
    """Of its pods."""
    return dict(named(name, "Deployment")["spec"]["template"]["metadata"]["labels"])


def variables(name: str) -> dict[str, str]:
    return {pair["name"]: pair["value"] for pair in container(name)["env"]}


def scraped() -> dict[str, Any]:
    """The job of a cluster's Prometheus."""
    (job,) = yaml.safe_load((FOLDER / "scrape.yml").read_text("utf-8"))["scrape_configs"]
    return dict(job)


def generators() -> list[dict[str, Any]]:
    return list(yaml.safe_load((OPS / "kustomization.yaml").read_text("utf-8"))["configMapGenerator"])


def mounted() -> dict[str, set[Path]]:
    """The files of each ConfigMap."""
    return {generator["name"]: {OPS / file for file in generator["files"]} for generator in generators()}


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the commands at the head of the file write."""
    folder = tmp_path_factory.mktemp("env")
    head = (FOLDER / "undertone.yaml").read_text("utf-8").partition("\napiVersion")[0].splitlines()
    commands = [line.removeprefix("#     ") for line in head if re.match(r"#     (?!kubectl)", line)]
    subprocess.run(["bash", "-euc", "\n".join(commands)], cwd=folder, capture_output=True, check=True)
    return dict(line.split("=", 1) for line in (folder / ".env").read_text("utf-8").splitlines())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", FILES)
def test_the_schemas_of_kubernetes_are_kept(name: str, version: str) -> None:
    kinds = []
    for document in documents(name):
        kubernetes_validate.validate(document, version, strict=True)
        kinds.append(document["kind"])
    assert sorted(kinds) == [
        "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Service",
    ]  # fmt: skip


def test_a_name_that_kubernetes_does_not_know_is_found() -> None:
    document = named("undertone", "Deployment")
    document["spec"]["template"]["spec"]["containers"][0]["readinessProb"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", FILES)
def test_the_code_takes_the_environment(name: str, secret: dict[str, str]) -> None:
    assert secret.keys() == SECRETS
    assert container(name)["envFrom"] == [{"secretRef": {"name": "undertone"}}]
    assert variables(name).keys() <= settings_read() - SECRETS
    settings = Settings.read({**secret, **variables(name)})
    assert settings.redis_url.startswith("rediss://")
    assert list(settings.api_keys.values()) == ["me"]
    assert (settings.metrics_open, settings.open, settings.workers) == (True, False, 1)


@pytest.mark.parametrize("name", FILES)
def test_no_secret_is_in_the_file(name: str) -> None:
    assert not any(document["kind"] == "Secret" for document in documents(name))
    assert not variables(name).keys() & SECRETS


@pytest.mark.parametrize("name", FILES)
def test_ports_and_probes_are_the_service_s(name: str, told: str) -> None:
    (port,) = container(name)["ports"]
    assert str(port["containerPort"]) == default("port", told) == instructions("EXPOSE")[0]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container(name)[probe]["httpGet"]
        assert asked["path"] in PROBES
        assert asked["port"] == port["name"]
    assert container(name)["livenessProbe"]["httpGet"]["path"] == "/livez"  # a Redis that is away is no reason to die
    (service,) = named(name, "Service")["spec"]["ports"]
    assert service["targetPort"] == port["name"]
    (ingress,) = named(name, "NetworkPolicy")["spec"]["ingress"]
    assert [one["port"] for one in ingress["ports"]] == [port["containerPort"]]


@pytest.mark.parametrize("name", FILES)
def test_prometheus_finds_what_the_code_answers(name: str) -> None:
    keep = scraped()["relabel_configs"][0]
    (port,) = container(name)["ports"]
    found = {
        "__meta_kubernetes_pod_label_app_kubernetes_io_part_of": labels(name)["app.kubernetes.io/part-of"],
        "__meta_kubernetes_pod_container_port_name": port["name"],
    }
    assert keep["action"] == "keep"
    assert re.fullmatch(keep["regex"], ";".join(found[source] for source in keep["source_labels"]))
    routes = {getattr(route, "path", "") for route in application(lambda: pytest.fail("not to be called")).routes}
    assert scraped()["metrics_path"] in routes


def test_a_cluster_mounts_what_docker_compose_does() -> None:
    assert mounted() == {
        "undertone-prometheus": {FOLDER / "scrape.yml", *(OPS / "prometheus" / "rules").iterdir()},
        "undertone-dashboards": set((OPS / "grafana" / "dashboards").iterdir()),
    }
    _, dashboards = generators()
    assert dashboards["options"]["labels"] == {"grafana_dashboard": "1"}, (
        "what the sidecar of Grafana's chart looks for"
    )


def test_its_job_is_the_one_that_rules_and_dashboards_ask_for() -> None:
    texts = [path.read_text("utf-8").replace("\\", "") for paths in mounted().values() for path in paths]
    asked = {job for text in texts for job in re.findall(r'\bjob="([^"]+)"', text)}
    assert asked == {scraped()["job_name"]}


@pytest.mark.tools
def test_promtool_takes_what_is_mounted(tmp_path: Path) -> None:
    for path in mounted()["undertone-prometheus"]:
        shutil.copy(path, tmp_path)
    job = scraped()
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]  # Debian builds Prometheus without it
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump({"rule_files": ["alerts.yml", "recording.yml"], "scrape_configs": [job]}))
    checked = subprocess.run(["promtool", "check", "config", config], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", FILES)
def test_requests_end_before_the_pod_is_killed(name: str, secret: dict[str, str]) -> None:
    grace = Settings.read({**secret, **variables(name)}).grace
    asleep = container(name)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert asleep > 0, "new connections are refused from SIGTERM on"
    assert pod(name)["terminationGracePeriodSeconds"] > asleep + grace + MARGIN


@pytest.mark.parametrize("name", FILES)
def test_it_is_not_root_and_can_write_nowhere_but_tmp(name: str) -> None:
    may = pod(name)["securityContext"]
    assert may["runAsNonRoot"] is True
    assert f"{may['runAsUser']}:{may['runAsGroup']}" == instructions("USER")[0]
    assert may["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    (volume,) = pod(name)["volumes"]
    assert volume["emptyDir"]["sizeLimit"]
    assert container(name)["volumeMounts"] == [{"name": volume["name"], "mountPath": environment()["HOME"]}]
    assert environment()["BENTOML_HOME"].startswith(environment()["HOME"])
    assert (pod(name)["automountServiceAccountToken"], pod(name)["enableServiceLinks"]) == (False, False)


@pytest.mark.parametrize("name", FILES)
def test_everything_selects_these_pods(name: str) -> None:
    chosen = [
        named(name, "Deployment")["spec"]["selector"]["matchLabels"],
        named(name, "Service")["spec"]["selector"],
        named(name, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        named(name, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        pod(name)["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ]
    for selector in chosen:
        assert selector
        assert selector.items() <= labels(name).items()
    target = named(name, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", named(name, "Deployment")["metadata"]["name"])
    assert "replicas" not in named(name, "Deployment")["spec"], "they are the autoscaler's"
    assert named(name, "HorizontalPodAutoscaler")["spec"]["minReplicas"] >= 2


def scaled_by(name: str) -> str:
    (metric,) = named(name, "HorizontalPodAutoscaler")["spec"]["metrics"]
    return str(metric["pods"]["metric"]["name"])


def test_the_adapter_serves_what_the_autoscaler_reads() -> None:
    (rule,) = yaml.safe_load((FOLDER / "prometheus-adapter.yaml").read_text("utf-8"))["rules"]["custom"]
    assert {scaled_by(name) for name in FILES} == {rule["name"]["matches"]}
    assert rule["seriesQuery"].partition("{")[0] == rule["name"]["matches"]
    told = {said["target_label"] for said in scraped()["relabel_configs"] if "target_label" in said}
    assert rule["resources"]["overrides"].keys() == told


def test_the_autoscaler_s_metric_is_one_of_the_service_s() -> None:
    documented = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    assert {f"`{scaled_by(name)}`" for name in FILES} <= set(re.findall(r"`\w+`", documented))


def test_only_redis_and_names_are_reached() -> None:
    redis, names = named("undertone", "NetworkPolicy")["spec"]["egress"]
    assert named("undertone", "NetworkPolicy")["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert [one["port"] for one in redis["ports"]] == [6379]
    assert {one["port"] for one in names["ports"]} == {53}
    assert all("to" in rule for rule in (redis, names))


def test_the_gpu_variant_differs_in_what_a_gpu_needs() -> None:
    """Beside names and labels, which are its own throughout."""
    texts = [(FOLDER / f"{name}.yaml").read_text("utf-8").partition("\napiVersion")[2] for name in FILES]
    one, other = (re.sub(r"(name: undertone)-gpu", r"\1", text) for text in texts)
    different = set(one.splitlines()) ^ set(other.splitlines())
    found = {line.strip().lstrip("- ").partition(":")[0] for line in different}
    assert found == {
        "image", "value", "memory", "nvidia.com/gpu", "tolerations", "key", "operator", "effect",
        "maxSurge", "maxUnavailable",
    }  # fmt: skip
    assert (variables(FILES[0])["UNDERTONE_DEVICE"], variables(FILES[1])["UNDERTONE_DEVICE"]) == ("cpu", "cuda")
    assert container(FILES[1])["resources"]["limits"]["nvidia.com/gpu"] == 1
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    assert [container(name)["image"] for name in FILES] == [compose[name]["image"] for name in FILES]


def test_a_worker_with_what_is_shipped_fits_into_what_a_pod_asks_for() -> None:
    """350 MB for a worker is held by tests/service/test_catalogue.py; the supervisor is the smaller one."""
    requested = container("undertone")["resources"]["requests"]["memory"]
    number, unit = re.fullmatch(r"(\d+)(\w\w)", requested).groups()  # type: ignore[union-attr]
    assert int(number) * UNIT[unit] > 350e6
