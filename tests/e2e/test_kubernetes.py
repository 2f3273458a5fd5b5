"""The service as ops/kubernetes/undertone.yaml runs it: with its environment, and nothing to write to but /tmp."""

from __future__ import annotations

import base64
import hashlib
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.redis_server import RedisServer
from tests.e2e.server import ROOT, Service
from tests.test_dockerfile import environment
from tests.test_kubernetes import container, variables

pytestmark = pytest.mark.tools
KEY: Final = "a key"
# In a mount namespace of its own: / read-only, an empty /tmp, and what is tested read-only again if it lay in /tmp.
READ_ONLY: Final = """
mount --rbind / /mnt && mount -o remount,bind,ro /mnt && mount -t tmpfs tmpfs /mnt/tmp
mkdir -p "/mnt$0" && mount --bind "$0" "/mnt$0" && mount -o remount,bind,ro "/mnt$0"
exec chroot /mnt sh -ec 'cd "$0"; ! touch written 2> /dev/null; exec "$@"' "$0" "$@"
"""
COMMAND: Final = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", READ_ONLY, str(ROOT), sys.executable)


@pytest.fixture
def in_a_pod(tmp_path: Path) -> Iterator[Service]:
    server = RedisServer(tmp_path)
    own = {
        "REDIS_URL": server.url,
        "UNDERTONE_STATE_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "UNDERTONE_API_KEYS": f"me:{hashlib.sha256(KEY.encode()).hexdigest()}",
        "XDG_CACHE_HOME": "",
        "UNDERTONE_REDIS_TIMEOUT": "10",
        "UNDERTONE_MODELS": "spam-gru",
    }
    image = {name: value for name, value in environment().items() if not name.startswith("PIP_")}
    command = (*COMMAND, "-m", "service", "--host", "0.0.0.0", "--port", "{port}")  # noqa: S104 - as the image does
    with Service(tmp_path, image | variables("undertone") | own, command) as service:
        yield service
    server.stop()


def test_it_serves_with_a_root_that_it_cannot_write_to(in_a_pod: Service) -> None:
    probes = {container("undertone")[kind]["httpGet"]["path"] for kind in ("readinessProbe", "livenessProbe")}
    with httpx.Client(base_url=in_a_pod.url, headers={"host": "10.244.0.7:3000"}, timeout=60) as kubelet:
        assert {kubelet.get(path).status_code for path in probes} == {200}
        assert "undertone_requests_total" in kubelet.get("/metrics").text  # without a key, as Prometheus asks
        asked: dict[str, Any] = {"text": "Hello there.", "task": "spam", "session_id": "s"}
        assert kubelet.post("/v1/predict", json=asked).status_code == 401
        header = {"authorization": f"Bearer {KEY}"}
        for step in range(3):
            answer = kubelet.post("/v1/predict", json=asked | {"step": step}, headers=header)
            assert (answer.status_code, answer.json()["session"]["step"]) == (200, step + 1)
    assert "Read-only" not in in_a_pod.log.read_text()
    assert "Traceback" not in in_a_pod.log.read_text()
