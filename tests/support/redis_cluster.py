"""A Redis Cluster of three nodes, which refuses what only a single server allows."""

import asyncio
import time
from pathlib import Path

from cli.embedded import binaries, valkey
from cli.embedded.home import Home
from gateways.redis.connection import RedisClient, RedisConfig, connect
from tests.support.free_ports import two_free_ports

NODES = 3
SLOTS = 16_384
_PATIENCE_SECONDS = 20.0
_PASSWORD = "test-only-password-of-the-cluster"


class RedisCluster:
    """Three nodes on ports of 127.0.0.1 that share the slots evenly, without replicas."""

    def __init__(self, folder: Path, *, node_timeout_ms: int = 2_000) -> None:
        self._folder = folder
        self._node_timeout_ms = node_timeout_ms
        self._program = binaries.find_valkey(Home(folder, account=None), "auto")
        self.nodes = [self._start(number) for number in range(NODES)]

    @property
    def url(self) -> str:
        """Where a client asks first; it hears of the other nodes there."""
        return self.nodes[0].url

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def kill(self, number: int) -> None:
        """Have a node die; the others notice when its time is up."""
        self.nodes[number].process.kill()
        self.nodes[number].process.wait()

    def restart(self, number: int) -> None:
        """Start a dead node again: it knows its slots, and nothing that it held."""
        self.nodes[number] = self._start(number, self.nodes[number].port)

    async def form(self) -> None:
        """Give each node its slots, let them meet, and wait until all agree."""
        clients = [connect(RedisConfig(node.url)) for node in self.nodes]
        try:
            bounds = [number * SLOTS // NODES for number in range(NODES + 1)]
            for number, client in enumerate(clients):
                await client.execute_command(
                    "CLUSTER ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1
                )
                await client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
            for node in self.nodes[1:]:
                await clients[0].execute_command(
                    "CLUSTER MEET", "127.0.0.1", node.port, node.port + 1
                )
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not all([await _agrees(client) for client in clients]):
                assert time.monotonic() < deadline, "the cluster did not form"
                await asyncio.sleep(0.02)
        finally:
            for client in clients:
                await client.aclose()

    async def flush(self) -> None:
        """Empty every node."""
        for node in self.nodes:
            client = connect(RedisConfig(node.url))
            await client.flushall()
            await client.aclose()

    def _start(self, number: int, port: int = 0) -> valkey.Valkey:
        folder = self._folder / f"node-{number}"
        folder.mkdir(exist_ok=True)
        # The second one is the bus, over which nodes speak to each other.
        port = port or two_free_ports()
        options = (
            "cluster-enabled yes",
            f"cluster-port {port + 1}",
            f"cluster-node-timeout {self._node_timeout_ms}",
            f"masterauth {_PASSWORD}",
        )
        return valkey.start(
            self._program,
            folder,
            folder / "redis.log",
            account=None,
            port=port,
            password=_PASSWORD,
            options=options,
        )


async def _agrees(client: RedisClient) -> bool:
    facts = await client.execute_command("CLUSTER INFO")
    return (facts["cluster_state"], facts["cluster_size"]) == ("ok", str(NODES))
