"""Turns a second of the engine, beside pgbench running the same SQL one transaction a turn.

Both on the same server in one run, in turns. The turn is «баланс» of a linked resident. The engine's figure
includes all of its Python (routing, dialogue, wording, fitting); pgbench's includes none.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import perf_counter, process_time
from typing import Final
from zoneinfo import ZoneInfo

from benchmarks.figures import Figure, Part, goal, ratio
from benchmarks.ground import FIRST_CHAT, KEYS, Ground, wide_ground
from bots.collector import spare_the_collector
from bots.engine import Engine
from bots.senders import Senders
from bots.taking import Taken
from bots.turning import Turning, Voice
from core.channel import Capabilities
from core.messages import Incoming, Text
from core.privacy import Ceiling
from core.turns import Centre
from storage import bills, conversations, inbox, outbox, residents
from storage.answers import answers
from storage.database import open_pool
from storage.embedded_home import ServerUser, find_binaries
from storage.payments import PaymentSettings

ACCOUNTS: Final = 500
CHATS: Final = 500
SECONDS: Final = 8
ROUNDS: Final = 5
CLIENTS: Final = 16
TELEGRAM: Final = Capabilities(4096, 1024, 100, 8, 100, 64, edits=True, bold=True, monospaced=True)


async def compare() -> Part:
    """Measure the engine and pgbench, a round each at a time."""
    async with wide_ground(accounts=ACCOUNTS, chats=CHATS) as here:
        # As `kvitok serve` does.
        spare_the_collector()
        turns, costs, peer = [], [], []
        for number in range(1, ROUNDS + 1):
            used_s = process_time()
            turns.append(await engine_rate(here, number))
            costs.append((process_time() - used_s) / (turns[-1] * SECONDS) * 1e6)
            peer.append(pgbench_rate(here))
    return Part(
        (
            Figure("the engine", "turns/s", tuple(turns)),
            Figure("the engine: processor", "µs/turn", tuple(costs)),
            Figure("pgbench, one transaction a turn", "turns/s", tuple(peer)),
        ),
        (goal("the engine / pgbench", ratio(turns, peer), least=2),),
    )


async def engine_rate(here: Ground, round_number: int) -> float:
    """Turns a second of one engine with every chat asking again as soon as it is answered."""
    centre = Centre(name="ЕРКЦ", zone=ZoneInfo("Europe/Moscow"))
    settings = PaymentSettings("http://127.0.0.1", b"k" * 32)
    async with open_pool(here.server.url("app"), most=2) as pool:
        engine = Engine(
            pool,
            answers=answers(keys=KEYS, settings=settings),
            channels={},
            keys=KEYS,
            turning=Turning(
                centre=centre,
                voices={"telegram": Voice(TELEGRAM, Ceiling.of("open"))},
                public_url="https://centre.example",
            ),
            now=_now,
            # Nothing is delivered here.
            senders=Senders({}),
        )
        running = asyncio.create_task(engine.run())
        started = perf_counter()
        asked = await asyncio.gather(
            *(_ask(engine, chat, round_number, started + SECONDS) for chat in range(here.chats))
        )
        took_s = perf_counter() - started
        running.cancel()
    return sum(asked) / took_s


def _now() -> datetime:
    return datetime.now(UTC)


async def _ask(engine: Engine, chat: int, round_number: int, until: float) -> int:
    """Ask for the balance in one chat again and again; returns how often it was answered."""
    asked = 0
    while perf_counter() < until:
        asked += 1
        update = Incoming(
            channel="telegram",
            chat=str(FIRST_CHAT + chat),
            sender=str(FIRST_CHAT + chat),
            key=f"{round_number}:{chat}:{asked}",
            order=round_number * 10**9 + asked,
            sent_at=_now(),
            said=Text("баланс"),
        )
        if await engine.take(update) is not Taken.DONE:
            raise RuntimeError("a turn was not taken")
    return asked


# --- pgbench --------------------------------------------------------------------------------------

_PARAMETER: Final = re.compile(r"\$(\d+)")
MESSAGE: Final = '{"type":"1","spans":[["' + "м" * 180 + '"]],"keyboard":[[["Меню","press","menu"]]]}'


def pgbench_rate(here: Ground) -> float:
    """Transactions a second of pgbench with the SQL of one balance turn."""
    with NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as script:
        Path(script.name).chmod(0o644)
        script.write(turn_script(here.chats))
        script.flush()
        url = here.server.url("app")
        command = [str(find_binaries(ServerUser()) / "pgbench"), "-n", "-M", "prepared", "-f", script.name]
        command += ["-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS), url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+) \(without initial", done.stdout)
    if found is None:
        raise RuntimeError(done.stderr[-2000:])
    return float(found.group(1))


def turn_script(chats: int) -> str:
    """The statements of one balance turn, as the engine sends them for a batch of one."""
    one = "array[:chat]::bigint[]"
    order = "array[:order]::bigint[]"
    turn = (
        _filled(inbox.RECORD, "array['telegram']", "array['b' || :key::text]"),
        _filled(conversations.LOCK, "array[]::text[]", "array[]::bytea[]", one),
        _filled(residents.RESIDENTS_OF, one),
        _filled(bills.FACTS, "array[(select account_id from account_link where chat_id = :chat)]"),
        _filled(
            conversations.SAVE,
            one,
            """array['{"v":1,"stage":{"type":"Idle"}}']""",
            """array['{"rows":[[["Меню","press","menu"]]],"spelled":""}']""",
            order,
            "array[true]",
            "now()",
        ),
        _filled(
            outbox.ADD,
            one,
            "array['telegram']",
            "array[0]::smallint[]",
            f"array['{MESSAGE}']",
            "array[null]::bigint[]",
            "array[]::text[]",
            "array[]::int[]",
            "90",
            "3",
        ),
    )
    head = f"\\set chat random(1, {chats})\n\\set key random(1, 1000000000000)\n\\set order random(1, 1000000000)\n"
    return head + "begin;\n" + "".join(turn) + "commit;\n"


def _filled(query: str, *values: str) -> str:
    """*query* on one line with its parameters put in."""
    lines = (line.split("--")[0] for line in query.splitlines())
    joined = " ".join(" ".join(lines).split())
    return _PARAMETER.sub(lambda found: values[int(found.group(1)) - 1], joined) + ";\n"
