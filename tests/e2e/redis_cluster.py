"""Three of Debian's redis-servers that share the slots, and a fourth that copies the first.

RedisCluster(folder) --meet, slots, replicate--> url, primaries, replica --move slots, kill--> ... --stop--> nothing
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.e2e.redis_server import RedisServer
from tests.e2e.server import free_port
from tests.waiting import soon

SLOTS: Final = 16384
PRIMARIES: Final = 3
PASSWORD: Final = "of-all-servers"
OPTIONS: Final = {
    "cluster_enabled": "yes",
    "cluster_node_timeout": "5000",  # ms until a server that is silent is given up: longer than one waits for a core
    "repl_diskless_sync_delay": "0",
}


class RedisCluster:
    """`acl` are the rules of a user `undertone`, whose password is PASSWORD, too, and with whom `url` logs in."""

    def __init__(self, folder: Path, acl: list[str]) -> None:
        self.servers: list[RedisServer] = []
        buses = [free_port() for _ in range(PRIMARIES + 1)]
        users = folder / "users.acl"
        users.write_text(f"user default on >{PASSWORD} ~* &* +@all\nuser undertone on >{PASSWORD} {' '.join(acl)}\n")
        for number, bus in enumerate(buses):
            (folder / str(number)).mkdir()
            options = OPTIONS | {"aclfile": str(users), "cluster_port": str(bus)}
            self.servers.append(RedisServer(folder / str(number), PASSWORD, **options))
        *self.primaries, self.replica = self.servers
        first = self.servers[0]
        self.url = f"redis://undertone:{PASSWORD}@127.0.0.1:{first.port}/0"
        for server, (start, end) in zip(self.primaries, _thirds(), strict=True):
            server.ask("CLUSTER", "ADDSLOTSRANGE", start, end)
        for server in self.servers[1:]:
            server.ask("CLUSTER", "MEET", "127.0.0.1", first.port, buses[0])
        self.together()
        self.replica.ask("CLUSTER", "REPLICATE", self.name(first))
        self.copied()

    def name(self, server: RedisServer) -> str:
        return str(server.ask("CLUSTER", "MYID").decode())

    def together(self) -> None:
        """Waits until every server that lives knows the others, and says that all slots are served."""

        def whole(said: bytes) -> bool:
            return b"cluster_state:ok" in said and f"known_nodes:{len(self.servers)}".encode() in said

        living = [server for server in self.servers if server.process.poll() is None]
        soon(lambda: all(whole(server.ask("CLUSTER", "INFO")) for server in living), "the cluster came together")

    def copied(self) -> None:
        """Waits until the replica has all that its primary has."""

        def same() -> bool:
            told = self.servers[0].client.info("replication")
            has = self.replica.client.info("replication")
            return has.get("master_link_status") == "up" and has["slave_repl_offset"] == told["master_repl_offset"]

        soon(same, "the replica has everything")

    def move(self, key: str, target: RedisServer, meanwhile: Callable[[], None]) -> None:
        """The slot of `key` goes to `target`, with all that is in it; `meanwhile` is done when it is at neither."""
        slot = int(target.ask("CLUSTER", "KEYSLOT", key))
        (source,) = (server for server in self.primaries if server.ask("CLUSTER", "COUNTKEYSINSLOT", slot))
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", self.name(source))
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", self.name(target))
        meanwhile()
        keys = source.ask("CLUSTER", "GETKEYSINSLOT", slot, 1000)
        source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "AUTH", PASSWORD, "KEYS", *keys)
        meanwhile()
        for server in (target, source):
            server.ask("CLUSTER", "SETSLOT", slot, "NODE", self.name(target))

    def stop(self) -> None:
        for server in self.servers:
            server.stop()


def _thirds() -> list[tuple[int, int]]:
    third = SLOTS // PRIMARIES
    return [(0, third), (third + 1, 2 * third), (2 * third + 1, SLOTS - 1)]
