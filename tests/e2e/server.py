"""Real servers for tests: `python -m service` as a stranger starts it, on free ports of loopback.

Service(environment) --ready--> url, workers --stop--> nothing left     Client: a connection to one worker
                                                    Turns: to another than the session's last
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import bentoml
import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import READY_SECONDS

ROOT: Final = Path(__file__).parent.parent.parent
COMMAND: Final = (sys.executable, "-m", "service", "--port", "{port}")
BENTOML: Final = (sys.executable, "-m", "bentoml", "serve", "service.app:Undertone", "--port", "{port}")
"""The same without our own start; it wants a BENTOML_HOME."""
STOP_SECONDS: Final = 90.0
"""Longer than anything takes that these tests hold against a clock."""
ANSWER_SECONDS: Final = 120.0
"""How long an answer may take where it is not measured; httpx would give up after five."""
Asked: TypeAlias = tuple[str | None, str | None]
"""Whose session, and its id; None for none."""
WHO: Final = "x-worker"
"""A header with the pid of who answers, where the tests have started the workers themselves."""


def free_port() -> int:
    """A port that nobody else is given until this process ends: who names it may listen there, again and again."""
    held = socket.socket()
    # Linux lets a server that sets this, as all do, bind where another socket is bound that does not listen.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    number = int(held.getsockname()[1])
    held.detach()
    return number


def inherited() -> dict[str, str]:
    """The environment of these tests without what is meant for another service."""
    cleared = ("UNDERTONE_", "REDIS_", "PROMETHEUS_", "BENTOML_")
    return {k: v for k, v in os.environ.items() if k in ("UNDERTONE_MODELS",) or not k.startswith(cleared)}


def counted(exposition: str, name: str, **labels: str) -> float:
    """What /metrics says: the sum over all samples of `name` that have these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


class Service:
    """The service as its own process group, with its log in `folder`."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = COMMAND,
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"service-{self.port}.log"
        self._known: set[int] = set()
        self._last: dict[Asked, int] = {}
        self._wanted = int((environment or {}).get("UNDERTONE_WORKERS", "1"))
        began = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [part.format(port=self.port) for part in command],
                cwd=ROOT,
                env={**inherited(), "XDG_CACHE_HOME": str(folder / "cache"), **(environment or {})},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()
        self.seconds_to_ready = time.monotonic() - began

    def _wait(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if (
                    httpx.get(f"{self.url}/readyz", timeout=10).status_code == 200
                    and len(self.workers()) >= self._wanted
                ):
                    return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"the service did not get ready, its log says:\n{self.log.read_text()}")

    def family(self) -> list[psutil.Process]:
        """The process and all that it started."""
        try:
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def workers(self) -> set[int]:
        found: set[int] = set()
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one, too
                if "_bentoml_impl.worker.service" in process.cmdline():
                    found.add(process.pid)
        return found

    def streams(self) -> float:
        """How many are open, with all that is done for them; workers write it down a tenth of a second later."""
        return counted(self.get("/metrics").text, "undertone_streams_open")

    def get(self, path: str) -> httpx.Response:
        """Over a connection of its own."""
        return httpx.get(f"{self.url}{path}", timeout=ANSWER_SECONDS)

    def post(self, path: str, **more: Any) -> httpx.Response:
        """The same."""
        return httpx.post(f"{self.url}{path}", timeout=ANSWER_SECONDS, **more)

    def worker_at(self, port: int) -> int | None:
        """The worker whose connection goes to that port of a client; None where none has taken it yet."""
        for look_again in (False, True):
            if look_again:  # at all processes of this machine, which takes its time
                self._known = self.workers()
            for pid in self._known:
                with contextlib.suppress(psutil.NoSuchProcess):
                    for connection in psutil.Process(pid).net_connections("tcp"):
                        if connection.raddr and connection.raddr.port == port:
                            return pid
        return None

    def last(self, path: str, **more: Any) -> int | None:
        """Who had the latest request for the session that this one is for."""
        return self._last.get(_asked(path, **more))

    def answered(self, pid: int, path: str, **more: Any) -> None:
        """Asserts that the session's request before this one went to another worker."""
        asked = _asked(path, **more)
        assert self._last.get(asked) != pid, f"{pid} has answered twice in a row for session {asked}"
        self._last[asked] = pid

    def stop(self, how: signal.Signals = signal.SIGTERM) -> list[psutil.Process]:
        """Signals the process group and waits; gives back what is left of the family, which is to be nothing."""
        family = self.family()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        _, left = psutil.wait_procs(family, timeout=STOP_SECONDS)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return left

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Client(httpx.Client):
    """One kept-alive connection, and the pid of the worker at its other end."""

    def __init__(self, service: Service) -> None:
        super().__init__(
            base_url=service.url,
            timeout=ANSWER_SECONDS,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=None),
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # else certificates are read, for nothing, in 60 ms
        )
        self._service = service
        self._seen: dict[int, int] = {}

    def worker(self) -> int:
        """Who holds the connection now; it costs a request."""
        return self.who_answered(self.get("/livez"))

    def stays_with(self, pid: int) -> None:
        """From now on an answer of any other worker is an error."""

        def check(answer: httpx.Response) -> None:
            assert (who := self.who_answered(answer)) == pid, f"{who} has answered, and not {pid}"

        self.event_hooks = {"response": [check]}

    def who_answered(self, answer: httpx.Response) -> int:
        if WHO in answer.headers:
            return int(answer.headers[WHO])
        _, port = answer.extensions["network_stream"].get_extra_info("client_addr")
        if port not in self._seen:
            pid = self._service.worker_at(port)
            if pid is None:
                raise RuntimeError(f"no worker holds the connection from port {port}")
            self._seen[port] = pid
        return self._seen[port]


@contextlib.contextmanager
def client_per_worker(service: Service) -> Iterator[dict[int, Client]]:
    """A connection to every worker, by the worker's pid, who answers all that is asked over it: that is asserted."""
    clients: dict[int, Client] = {}
    wanted = service.workers()
    until = time.monotonic() + READY_SECONDS  # one that has just begun, or that has to wait for a core, takes none yet
    while clients.keys() != wanted and time.monotonic() < until:
        client = Client(service)
        pid = client.worker()
        if pid in clients:
            client.close()
            time.sleep(0.005)
        else:
            clients[pid] = client
            client.stays_with(pid)
    try:
        assert clients.keys() == wanted, f"only {clients.keys()} of the workers {wanted} took connections"
        yield clients
    finally:
        for client in clients.values():
            client.close()


@contextlib.contextmanager
def another(service: Service, port: int) -> Iterator[Client]:
    """A connection to a worker that does not hold the one from that port."""
    first = service.worker_at(port)
    assert first is not None
    with client_per_worker(service) as clients:
        yield next(client for pid, client in clients.items() if pid != first)


class Turns:
    """Requests that never go to the worker that had the session's last one, which is asserted of who has answered.

    Those without a session take turns among themselves.
    """

    def __init__(self, service: Service, clients: dict[int, Client]) -> None:
        self.clients = clients
        self._service = service

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        client = self.clients[self.next(path, **more)]
        answer = client.request(method, path, **more)
        self._service.answered(client.who_answered(answer), path, **more)
        return answer

    def next(self, path: str, **more: Any) -> int:
        """The worker whose turn it is."""
        last = self._service.last(path, **more)
        return next(pid for pid in self.clients if pid != last)

    def predict(self, status: int = 200, **fields: Any) -> dict[str, Any]:
        """The answer to a prediction, of spam unless the fields say otherwise."""
        answer = self("POST", "/v1/predict", json={"task": "spam"} | fields)
        assert answer.status_code == status, answer.text
        said: dict[str, Any] = answer.json()
        return said if status == 200 else said["error"]

    def stream(self, text: str, *, last: int | None = None, **asked: Any) -> list[dict[str, Any]]:
        """The events of a text that is sent whole."""
        headers = {"accept": "application/x-ndjson"} | ({} if last is None else {"last-event-id": str(last)})
        answer = self("POST", "/v1/stream", json={"text": text, "task": "spam"} | asked, headers=headers)
        return [json.loads(line) for line in answer.text.splitlines()]


def _asked(path: str, *, json: Mapping[str, Any] | None = None, **more: Any) -> Asked:
    """The session that a request names in its body, in its query or in its path."""
    url, headers = httpx.URL(path), more.get("headers", {})
    named = url.path.partition("/v1/sessions/")[2]
    return headers.get("authorization"), (json or {}).get("session_id") or url.params.get("session_id") or named or None


@contextlib.contextmanager
def in_turns(service: Service) -> Iterator[Turns]:
    """Turns over all workers, which are more than one."""
    with client_per_worker(service) as clients:
        assert len(clients) > 1
        yield Turns(service, clients)


def native(service: Service, ask: Callable[[Any], Any], token: str | None = None) -> Any:
    """What BentoML's own client, which looks at the schema first, gets when it is asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it leaves its temporary folder to the garbage collector
        with bentoml.SyncHTTPClient(service.url, token=token) as client:
            answer = ask(client)
        del client
        gc.collect()
    return answer
