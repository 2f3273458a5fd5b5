"""Sessions in a Redis Cluster of real servers, as an ACL user: slots that move, a primary that dies, a third away."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Final

import pytest
import redis

from tests.e2e.redis_cluster import PASSWORD, RedisCluster
from tests.e2e.server import Client, Service, counted, in_turns
from tests.e2e.test_redis import TEXT, acl, environment, served_again
from tests.waiting import eventually, soon

pytestmark = pytest.mark.tools
SESSIONS: Final = 60
"""Their names are made up, and so is which server each is at: of 20, one in a thousand times one server has none."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    running = RedisCluster(tmp_path_factory.mktemp("cluster"), acl("undertone-cluster"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def service(cluster: RedisCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    # What a test waits for Redis on a busy machine is not what it measures; a server that is dead refuses at once.
    said = environment(cluster.url, UNDERTONE_REDIS_CLUSTER="1", UNDERTONE_REDIS_TIMEOUT="10")
    with Service(tmp_path_factory.mktemp("service"), said) as running:
        yield running


class Talk:
    """Sessions that go on in turn, at another worker each time, and hold what was answered."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.steps = {secrets.token_hex(8): 0 for _ in range(SESSIONS)}

    def key(self, session: str) -> str:
        return f"undertone:public:spam:{session}"

    def go_on(self, rounds: int = 1) -> None:
        """A sentence for each session, in order: a step that was lost, or counted twice, would be refused."""
        with in_turns(self._service) as turns:
            for _ in range(rounds):
                for session, step in self.steps.items():
                    said = turns.predict(text=TEXT, session_id=session, step=step)["session"]
                    assert (said["step"], said["created"], said["replayed"]) == (step + 1, step == 0, False)
                    self.steps[session] = step + 1


def refused(server: redis.Redis, error: str) -> int:
    """How often a server has answered with an error."""
    told = server.info("errorstats").get(f"errorstat_{error}", {"count": 0})
    return int(told["count"])


def found(client: Client, path: str) -> bool:
    return client.get(path).status_code == 200


def test_sessions_are_spread_and_retries_are_known(cluster: RedisCluster, service: Service) -> None:
    talk = Talk(service)
    talk.go_on(2)
    held = [len(server.client.keys("undertone:public:*")) for server in cluster.primaries]
    assert sum(held) == SESSIONS
    assert all(held), "every server has some"
    with in_turns(service) as turns:
        session = next(iter(talk.steps))
        assert turns.predict(text=TEXT, session_id=session, step=1)["session"]["replayed"] is True
        assert turns.predict(409, text=TEXT, session_id=session, step=7)["expected_step"] == 2
        assert turns("GET", "/v1/status").json()["status"] == "ok"

        def told(name: str) -> float:
            """A scrape waits for Redis, but not for long: it may have to be asked again."""
            return counted(turns("GET", "/metrics").text, name)

        eventually(lambda: told("undertone_redis_up") == 1, "Redis is up")
        eventually(lambda: told("undertone_redis_keys") >= SESSIONS, "the keys of all servers are counted")
        eventually(lambda: told("undertone_redis_connections") > 0, "connections are counted")


def test_the_acl_user_may_do_no_more(cluster: RedisCluster) -> None:
    with redis.Redis(port=cluster.servers[0].port, username="undertone", password=PASSWORD) as client:
        for forbidden in (client.flushall, client.config_get, client.keys, client.acl_list):
            with pytest.raises(redis.exceptions.NoPermissionError):
                forbidden()
        for words in (("CLUSTER", "FAILOVER"), ("CLUSTER", "RESET"), ("GET", "another's")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*words)


def test_while_slots_move_sessions_go_on(cluster: RedisCluster, service: Service) -> None:
    """ASK while a slot is at neither server, MOVED once it has gone: no request notices."""
    talk = Talk(service)
    talk.go_on()
    first, _, third = cluster.primaries
    moving = [key for key in map(talk.key, talk.steps) if first.client.keys(key)][:2]
    assert moving
    before = {error: refused(first.client, error) for error in ("ASK", "MOVED")}
    for key in moving:
        cluster.move(key, third, talk.go_on)
    talk.go_on()
    assert refused(first.client, "ASK") > before["ASK"]
    assert refused(first.client, "MOVED") > before["MOVED"]
    assert all(third.client.keys(key) for key in moving)
    with in_turns(service) as turns:
        assert turns("DELETE", f"/v1/sessions/{moving[0].rpartition(':')[2]}").status_code == 204
    assert not third.client.keys(moving[0])


def test_a_primary_that_dies_is_503_until_its_replica_has_taken_over(cluster: RedisCluster, service: Service) -> None:
    talk = Talk(service)
    talk.go_on(2)
    first = cluster.servers[0]
    there = {session for session in talk.steps if first.client.keys(talk.key(session))}
    assert there
    cluster.copied()  # what a replica has not got yet dies with its primary: SECURITY.md and docs/scaling.md say so
    first.kill()
    codes = set()
    with in_turns(service) as turns:
        for session in there:
            asked = {"text": TEXT, "task": "spam", "session_id": session, "step": 2}
            codes.add(turns("POST", "/v1/predict", json=asked).status_code)
            assert turns.predict(text=TEXT)["probability"] > 0
    assert codes <= {200, 503}
    soon(lambda: cluster.replica.client.info("replication")["role"] == "master", "the replica is a primary")
    cluster.together()
    served_again(service)
    with in_turns(service) as turns:
        for session in talk.steps:
            path = f"/v1/sessions/{session}?task=spam"
            for client in turns.clients.values():  # each learns by itself which server has the session now
                eventually(partial(found, client, path), "the session is served again")
            step = turns("GET", path).json()["step"]
            assert step in (2, 3)  # what was not known to be stored may have been
            again = turns.predict(text=TEXT, session_id=session, step=2)["session"]
            assert (again["step"], again["replayed"]) == (3, step == 3)
            talk.steps[session] = 3
    talk.go_on()
    first.start()
    cluster.together()


def test_a_third_away_is_503_for_its_sessions_only_and_all_can_be_forgotten(
    cluster: RedisCluster, service: Service
) -> None:
    talk = Talk(service)
    talk.go_on()
    with in_turns(service) as turns:
        with cluster.primaries[1].dead():  # it has no replica
            asked = [{"text": TEXT, "task": "spam", "session_id": session} for session in talk.steps]
            codes = {turns("POST", "/v1/predict", json=one).status_code for one in asked}
            assert 503 in codes
            assert codes <= {200, 503}
            assert turns.predict(text=TEXT)["probability"] > 0
        cluster.together()
    served_again(service)
    with in_turns(service) as turns:
        eventually(lambda: turns("DELETE", "/v1/sessions").status_code == 204, "the cluster is whole again")
    # What a primary has deleted is gone at its replica a moment later.
    eventually(lambda: not any(server.client.keys("undertone:public:*") for server in cluster.servers), "all are gone")
