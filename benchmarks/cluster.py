"""A cluster of Debian's PostgreSQL 15 by Patroni: etcd, two nodes that replicate synchronously, HAProxy before them.

All of it listens on the loopback interface and is gone with the context.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import aiohttp
import yaml

from benchmarks.ports import free_port
from benchmarks.tools import as_user, postgres_15, tool
from storage.database import connect
from storage.embedded_cluster import DATABASE, NAMES, Role
from storage.embedded_home import ServerUser, server_user
from storage.roles import Roles, provisioning, quoted

HOST: Final = "127.0.0.1"
START_S: Final = 90
STOP_S: Final = 15
LOOK_AGAIN_S: Final = 0.05

# Seconds: a leader that is silent for `ttl` has lost its key; each looks about every `loop_wait`.
TTL_S: Final = 20
LOOP_WAIT_S: Final = 2
RETRY_TIMEOUT_S: Final = 5
CHECK_MS: Final = 500

BALANCER: Final = """
global
  maxconn 500
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
listen primary
  bind {host}:{port}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter {check_ms}ms fall 2 rise 1 on-marked-down shutdown-sessions
"""


@dataclass(eq=False)
class Node:
    """Patroni and the PostgreSQL that it keeps."""

    name: str
    folder: Path
    port: int
    rest: int
    patroni: asyncio.subprocess.Process | None = None

    @property
    def server(self) -> list[int]:
        """The processes of its PostgreSQL, the first of all first; none if it does not run."""
        with suppress(OSError, ValueError, IndexError):
            first = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
            if Path(f"/proc/{first}/cwd").samefile(self.folder / "data"):
                return [first, *_children(first)]
        return []

    def kill_server(self) -> None:
        """End its PostgreSQL as `kill -9` does."""
        _kill(self.server)

    def kill(self) -> None:
        """End all of it at once, as a machine ends that loses its power."""
        own = [] if self.patroni is None or self.patroni.returncode is not None else [self.patroni.pid]
        _kill([*own, *self.server])


def _children(pid: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == pid:
                yield int(stat.parent.name)


def _kill(pids: Sequence[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@dataclass
class Cluster:
    """A cluster that runs; *port* leads to whichever node is the primary."""

    nodes: Sequence[Node]
    port: int
    http: aiohttp.ClientSession
    launch: Callable[[Node], Any]
    passwords: Mapping[Role, str] = field(
        default_factory=lambda: {role: secrets.token_urlsafe(16) for role in NAMES}
    )

    def url(self, role: Role, database: str = DATABASE) -> str:
        """The address of a database by way of the balancer."""
        return f"postgresql://{NAMES[role]}:{self.passwords[role]}@{HOST}:{self.port}/{database}"

    async def primary(self) -> Node | None:
        """The node that says that it is the primary."""
        for node in self.nodes:
            if await self._says(node, "primary"):
                return node
        return None

    async def _says(self, node: Node, what: str) -> bool:
        try:
            async with self.http.get(f"http://{HOST}:{node.rest}/{what}") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def healthy(self) -> Node:
        """The primary, once the other node replicates synchronously and the balancer leads there."""
        while True:
            primary = await self.primary()
            standby = [await self._says(node, "synchronous") for node in self.nodes]
            if primary is not None and any(standby):
                with suppress(Exception):
                    async with connect(self.url("superuser", "postgres")):
                        return primary
            await asyncio.sleep(LOOK_AGAIN_S)


@asynccontextmanager
async def clustered() -> AsyncIterator[Cluster]:
    """A cluster with a centre's empty database. Raises ToolMissingError."""
    with TemporaryDirectory(prefix="kvitok-cluster-") as name:
        user = server_user(Path("/nonexistent"))
        folder = user.take(Path(name))
        nodes = [
            Node(each, user.take(_made(folder / each)), free_port(), free_port()) for each in ("one", "two")
        ]
        etcd_port = free_port()
        async with AsyncExitStack() as own:
            http = await own.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)))
            start = _starter(folder, user, own)
            await start("etcd", *_etcd(user.take(_made(folder / "etcd")), etcd_port))

            async def launch(node: Node) -> None:
                node.patroni = await start("patroni", str(node.folder / "patroni.yaml"))

            cluster = Cluster(nodes, free_port(), http, launch)
            for node in nodes:
                _configure(node, cluster, etcd_port, user)
                await launch(node)
                # Its data are gone with it: nothing is to be ended with care.
                own.callback(node.kill)
            await start("haproxy", "-db", "-f", str(_balancer(folder, cluster)))
            async with asyncio.timeout(START_S):
                await cluster.healthy()
            await _furnish(cluster)
            yield cluster


Start = Callable[..., Any]


def _starter(folder: Path, user: ServerUser, own: AsyncExitStack) -> Start:
    """What starts a tool that is ended with *own*."""

    async def start(name: str, *arguments: str) -> asyncio.subprocess.Process:
        program = tool(name)
        with (folder / f"{name}.log").open("a") as log:
            process = await asyncio.create_subprocess_exec(
                *as_user(user),
                program.path,
                *arguments,
                env={**os.environ, **program.environment, "ETCD_UNSUPPORTED_ARCH": os.uname().machine},
                cwd=folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        own.push_async_callback(_end, process)
        return process

    return start


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def _etcd(folder: Path, port: int) -> Sequence[str]:
    client, peer = f"http://{HOST}:{port}", f"http://{HOST}:{free_port()}"
    return (
        *("--name", "one", "--data-dir", str(folder)),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"one={peer}"),
    )


def _configure(node: Node, cluster: Cluster, etcd_port: int, user: ServerUser) -> None:
    address, rest = f"{HOST}:{node.port}", f"{HOST}:{node.rest}"
    settings = {
        "scope": "kvitok",
        "name": node.name,
        "restapi": {"listen": rest, "connect_address": rest},
        "etcd3": {"host": f"{HOST}:{etcd_port}"},
        "bootstrap": {
            "dcs": {
                "ttl": TTL_S,
                "loop_wait": LOOP_WAIT_S,
                "retry_timeout": RETRY_TIMEOUT_S,
                # A commit is acknowledged when the other node has it; only the node that has all of them may follow.
                "synchronous_mode": True,
                # A server that died is not waited for.
                "primary_start_timeout": 0,
                "postgresql": {"use_pg_rewind": True, "parameters": {"timezone": "UTC"}},
            },
            "initdb": ["data-checksums", {"encoding": "UTF8"}, {"locale": "C.UTF-8"}],
        },
        "postgresql": {
            "listen": address,
            "connect_address": address,
            "data_dir": str(node.folder / "data"),
            "bin_dir": str(postgres_15()),
            "pgpass": str(node.folder / "pgpass"),
            "authentication": {
                "superuser": {"username": NAMES["superuser"], "password": cluster.passwords["superuser"]},
                "replication": {"username": "replicator", "password": cluster.passwords["reader"]},
            },
            "pg_hba": [f"host {what} all {HOST}/32 scram-sha-256" for what in ("replication", "all")],
            "parameters": {"unix_socket_directories": str(node.folder)},
        },
    }
    file = node.folder / "patroni.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    user.take(file).chmod(0o600)


def _balancer(folder: Path, cluster: Cluster) -> Path:
    lines = [f"  server {node.name} {HOST}:{node.port} check port {node.rest}" for node in cluster.nodes]
    settings = BALANCER.format(host=HOST, port=cluster.port, check_ms=CHECK_MS)
    file = folder / "haproxy.cfg"
    file.write_text(settings + "\n".join(lines) + "\n", encoding="utf-8")
    return file


async def _furnish(cluster: Cluster) -> None:
    """Make the centre's roles and its database, as its administrator would."""
    async with connect(cluster.url("superuser", "postgres")) as admin:
        for role, name in NAMES.items():
            if role != "superuser":
                await admin.execute(f"create role {quoted(name)} login password '{cluster.passwords[role]}'")
        await admin.execute(f"create database {DATABASE} owner {quoted(NAMES['owner'])}")
    async with connect(cluster.url("superuser")) as admin:
        for statement in provisioning(Roles()):
            await admin.execute(statement)
