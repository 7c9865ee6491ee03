"""A pgbouncer before a server of ours, pooling by transaction, as docs/scaling.md has it set up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import parse_qs, urlsplit

from benchmarks.ports import free_port
from benchmarks.tools import as_user, tool
from storage.database import CONNECT_QUERY
from storage.embedded import EmbeddedPostgres
from storage.embedded_home import server_user

HOST: Final = "127.0.0.1"
START_S: Final = 20

# Every database of the server, by its own name.
SETTINGS: Final = """
[databases]
* = host={socket} port=5432 connect_query='{connect_query}'
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 1000
"""


@dataclass(frozen=True)
class Pooler:
    """A pgbouncer that runs."""

    pid: int
    port: int

    def url(self, direct: str) -> str:
        """The address by which the database at *direct* is reached over the pooler."""
        there = urlsplit(direct)
        return there._replace(
            netloc=f"{there.username}:{there.password}@{HOST}:{self.port}", query=""
        ).geturl()


@asynccontextmanager
async def pooling(server: EmbeddedPostgres, *, sessions: int) -> AsyncIterator[Pooler]:
    """A pooler with so many *sessions* of the app's role a database. Raises ToolMissingError."""
    pgbouncer, port, app = tool("pgbouncer"), free_port(), urlsplit(server.url("app"))
    user = server_user(server.folder / "postgres" / "data")
    with TemporaryDirectory(prefix="kvitok-pooler-") as name:
        folder = user.take(Path(name))
        [socket] = parse_qs(app.query)["host"]
        settings = SETTINGS.format(
            socket=socket, connect_query=CONNECT_QUERY, host=HOST, port=port, folder=folder, sessions=sessions
        )
        for file, content in (("users", f'"{app.username}" "{app.password}"\n'), ("settings", settings)):
            (folder / file).write_text(content, encoding="utf-8")
            user.take(folder / file).chmod(0o600)
        process = await asyncio.create_subprocess_exec(
            *(*as_user(user), pgbouncer.path, "--quiet", str(folder / "settings")),
            env=pgbouncer.environment or None,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await _listens(process, port)
            yield Pooler(process.pid, port)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()


async def _listens(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(START_S):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return
    _, said = await process.communicate()
    raise RuntimeError(said.decode(errors="replace")[-2000:])
