"""The processes of a measurement: servers under load, the sink that answers for messengers, the load itself."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import yaml

from benchmarks.asking import ASKING, SECRET, TOKENS, Asking
from benchmarks.ground import BILLING, MASTER, Ground
from benchmarks.ports import free_port
from benchmarks.tools import tool
from storage.database import connect

START_S: Final = 120
DRAIN_S: Final = 30
CONNECTIONS: Final = 64
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
LUA: Final = Path(__file__).parent / "requests.lua"
SERVE: Final = "from bots.cli import main; main()"

EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})

# Pace off: a bench measures us, not what a messenger allows. Set in the bench's own database.
PACE_OFF: Final = "update bucket set rate = 1e9, burst = 1000000, tokens = 1000000"


@dataclass(frozen=True)
class Running:
    """A process of ours that listens on *port*."""

    pid: int
    port: int
    ready_s: float

    @property
    def cpu_s(self) -> float:
        """Seconds of processor that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    @property
    def memory_mib(self) -> float:
        """The memory that it holds."""
        return memory_kib(self.pid) / 1024


def memory_kib(pid: int, *, kind: str = "VmRSS") -> int:
    """How much memory the process holds; of a *kind* of proc(5), as RssAnon, which it shares with nobody."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(f"{kind}:")).split()[1])


@asynccontextmanager
async def running(
    command: Sequence[str], *, port: int, ready: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Running]:
    """*command* once it answers at the path *ready*, and until the context ends."""
    with TemporaryDirectory(prefix="kvitok-bench-") as folder:
        log = Path(folder) / "log"
        began = monotonic()
        with log.open("w") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                env={**os.environ, **(environment or {})},
                stdout=output,
                stderr=output,
            )
        try:
            await _ready(f"http://127.0.0.1:{port}{ready}", process, log)
            yield Running(process.pid, port, monotonic() - began)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(START_S):
        while True:
            if process.returncode is not None:
                raise RuntimeError(log.read_text(errors="replace")[-4000:])
            try:
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.01)


# --- Servers under load -----------------------------------------------------------------------------


@asynccontextmanager
async def kvitok(here: Ground, sink_port: int, *names: str) -> AsyncIterator[Running]:
    """`kvitok serve` with the messengers *names*, whose APIs are the sink's; no pace holds it back."""
    async with serving(here.server.url("app"), sink_port, *names) as process:
        yield process


@asynccontextmanager
async def serving(
    url: str,
    sink_port: int,
    *names: str,
    sections: Mapping[str, Any] = EMPTY,
    secrets: Mapping[str, str] = EMPTY,
) -> AsyncIterator[Running]:
    """As `kvitok`, on the database at *url*; *sections* and *secrets* are set besides."""
    port = free_port()
    channels = {
        name: {
            "api_base": f"http://127.0.0.1:{sink_port}/{name}",
            "messages_per_s": 1000,
            **ASKING[name].section,
        }
        for name in names
    }
    content = {
        "centre": {"name": "ЕРКЦ"},
        "server": {"public_url": f"http://127.0.0.1:{port}", "port": port},
        "channels": channels,
        **sections,
    }
    environment = {f"KVITOK_{name.upper()}_TOKEN": TOKENS[name] for name in names}
    environment |= {f"KVITOK_{name}_SECRET": SECRET for name in ("TELEGRAM", "VK", "OK", "MAX")}
    environment |= {
        "KVITOK_DATABASE_URL": url,
        "KVITOK_SECRET_KEY": MASTER,
        "KVITOK_BILLING_KEY": BILLING,
        **secrets,
    }
    with TemporaryDirectory(prefix="kvitok-bench-") as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        command = (sys.executable, "-c", SERVE, "serve", "--config", str(config))
        async with running(command, port=port, ready="/readyz", environment=environment) as process:
            async with connect(url) as db:
                await db.execute(PACE_OFF)
            yield process


@asynccontextmanager
async def peer(name: str, here: Ground, sink_port: int) -> AsyncIterator[Running]:
    """The peer *name* in a process of its own."""
    port = free_port()
    environment = {
        "PORT": str(port),
        "API_BASE": f"http://127.0.0.1:{sink_port}/telegram",
        "TOKEN": TOKENS["telegram"],
        "SECRET": SECRET,
        "DATABASE_URL": here.server.url("app"),
    }
    command = (sys.executable, "-m", f"benchmarks.peers.{name}")
    async with running(command, port=port, ready="/healthz", environment=environment) as process:
        yield process


# --- The sink ---------------------------------------------------------------------------------------

SINK: Final = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; default_type application/json;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /taken {{ stub_status; }}
{locations}
  }}
}}
"""


class Sink:
    """Answers for all messengers as if every message were taken, and counts."""

    def __init__(self, process: Running, http: aiohttp.ClientSession) -> None:
        self.process = process
        self._http = http
        self._asked = 0

    async def taken(self) -> int:
        """How many requests came, ours not counted."""
        async with self._http.get(f"http://127.0.0.1:{self.process.port}/taken") as answer:
            counters = (await answer.text()).splitlines()[2].split()
        self._asked += 1
        return int(counters[2]) - self._asked


@asynccontextmanager
async def sinking() -> AsyncIterator[Sink]:
    """A sink on a port of its own."""
    nginx, port = tool("nginx"), free_port()
    with TemporaryDirectory(prefix="kvitok-sink-") as folder:
        locations = "\n".join(
            f"    location /{name}/ {{ return 200 '{json.dumps(each.answer)}'; }}"
            for name, each in ASKING.items()
        )
        config = Path(folder) / "nginx.conf"
        config.write_text(SINK.format(folder=folder, port=port, locations=locations), encoding="utf-8")
        command = (nginx.path, "-e", f"{folder}/errors", "-c", str(config))
        async with (
            running(command, port=port, ready="/telegram/", environment=nginx.environment) as process,
            aiohttp.ClientSession() as http,
        ):
            sink = Sink(process, http)
            sink._asked = await sink.taken() + 1  # noqa: SLF001  # what the start has asked
            yield sink


# --- The load ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """What became of a load: messages replied to a second, processor a message, and who was busy."""

    messages: int
    per_s: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    failed: int
    generator_cpu: float
    sink_cpu: float
    machine_cpu: float


@dataclass
class Loader:
    """Posts updates with wrk, each once, and waits for the replies to all of them."""

    sink: Sink
    asking: Asking
    chats: Sequence[str]
    posted: int = 0

    async def load(self, servers: Sequence[Running], seconds: float, expected_per_s: float) -> Load:
        """Load *servers* for so long, at most *expected_per_s* each; wrk waits for each answer before it asks on."""
        count = int(seconds * expected_per_s)
        with TemporaryDirectory(prefix="kvitok-load-") as folder:
            files = []
            for number in range(len(servers)):
                files.append(Path(folder) / str(number))
                self.asking.write(files[-1], self.chats, self.posted, count)
                self.posted += count
            return await self._load(servers, files, seconds)

    async def _load(self, servers: Sequence[Running], files: Sequence[Path], seconds: float) -> Load:
        taken, cpu_s, sink_s, machine = (
            await self.sink.taken(),
            _cpu(servers),
            self.sink.process.cpu_s,
            _machine(),
        )
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = monotonic()
        each = CONNECTIONS // len(servers)
        told = await asyncio.gather(
            *(
                asyncio.to_thread(_wrk, server.port, self.asking, file, seconds, each)
                for server, file in zip(servers, files, strict=True)
            )
        )
        failed = sum(int(one["status"] + one["lost"]) for one in told)
        wanted = sum(int(one["requests"]) for one in told) - failed
        replied, ended = 0, monotonic()
        last = ended
        while (now := monotonic()) < ended + DRAIN_S and replied < wanted:
            if (got := await self.sink.taken() - taken) > replied:
                replied, last = got, monotonic()
            elif now - last > 2:
                break
            await asyncio.sleep(0.02)
        took_s = last - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wrk_s = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
        busy, whole = (now_ - then for now_, then in zip(_machine(), machine, strict=True))
        return Load(
            messages=replied,
            per_s=replied / took_s,
            cpu_us=(_cpu(servers) - cpu_s) / max(replied, 1) * 1e6,
            p50_ms=max(one["p50_ms"] for one in told),
            p99_ms=max(one["p99_ms"] for one in told),
            failed=failed,
            generator_cpu=wrk_s / took_s,
            sink_cpu=(self.sink.process.cpu_s - sink_s) / took_s,
            machine_cpu=busy / max(whole, 1),
        )


def _wrk(port: int, asking: Asking, file: Path, seconds: float, connections: int) -> dict[str, Any]:
    wrk = tool("wrk")
    command = [wrk.path, "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "30s", "-s", str(LUA)]
    command += [f"http://127.0.0.1:{port}{asking.path}", "--", str(file), asking.header]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **wrk.environment}, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def _cpu(servers: Sequence[Running]) -> float:
    return sum(server.cpu_s for server in servers)


def _machine() -> tuple[int, int]:
    """Ticks of all processors that were used, and all of them."""
    ticks = [
        int(each) for each in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
    ]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
