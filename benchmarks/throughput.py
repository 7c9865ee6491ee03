"""Messages a second, webhook in to reply out: beside peers, by messenger, by processes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from benchmarks.asking import ASKING
from benchmarks.figures import Figure, Part, goal, ratio
from benchmarks.ground import settle, wide_ground
from benchmarks.running import Load, Loader, kvitok, peer, sinking
from storage.database import connect

ACCOUNTS: Final = 500
# More chats than messages a second, many times: no chat's own pace may hold a reply back.
CHATS: Final = 10_000
SECONDS: Final = 8.0
ROUNDS: Final = 3
WARM_S: Final = 2.0
EXPECTED_PER_S: Final = 3000
# The echo is faster than whatever does some work.
ECHO_PER_S: Final = 12_000


def load_figures(name: str, loads: Sequence[Load]) -> list[Figure]:
    """The figures of *loads*."""
    return [
        Figure(name, "messages/s", tuple(each.per_s for each in loads)),
        Figure(f"{name}: processor", "µs/message", tuple(each.cpu_us for each in loads)),
    ]


def load_note(name: str, loads: Sequence[Load]) -> str:
    """Who was busy, and what failed."""
    busy = ", ".join(
        f"{who} {statistics.median(values):.0%}"
        for who, values in (
            ("wrk", [each.generator_cpu for each in loads]),
            ("sink", [each.sink_cpu for each in loads]),
        )
    )
    machine = statistics.median(each.machine_cpu for each in loads)
    failed = sum(each.failed for each in loads)
    return f"{name}: {busy} of a core; all cores {machine:.0%} busy; {failed} requests failed"


# --- Beside peers -----------------------------------------------------------------------------------


async def end_to_end() -> Part:
    """`kvitok serve`, a plain bot and a bare echo, a round each at a time."""
    asking = ASKING["telegram"]
    loads: dict[str, list[Load]] = {"kvitok": [], "plain bot": [], "echo": []}
    async with (
        wide_ground(accounts=ACCOUNTS, chats=CHATS) as here,
        sinking() as sink,
        AsyncExitStack() as own,
    ):
        loader = Loader(sink, asking, asking.chats(CHATS))
        servers = {
            "kvitok": await own.enter_async_context(kvitok(here, sink.process.port, "telegram")),
            "plain bot": await own.enter_async_context(peer("plain_bot", here, sink.process.port)),
            "echo": await own.enter_async_context(peer("echo", here, sink.process.port)),
        }
        for _ in range(ROUNDS):
            for name, server in servers.items():
                expected = ECHO_PER_S if name == "echo" else EXPECTED_PER_S
                await loader.load([server], WARM_S, expected)
                loads[name].append(await loader.load([server], SECONDS, expected))
    rates = {name: [each.per_s for each in of] for name, of in loads.items()}
    costs = {name: [each.cpu_us for each in of] for name, of in loads.items()}
    return Part(
        tuple(figure for name, of in loads.items() for figure in load_figures(name, of)),
        (
            goal("kvitok / plain bot, messages/s", ratio(rates["kvitok"], rates["plain bot"]), least=5),
            goal("kvitok / echo, messages/s", ratio(rates["kvitok"], rates["echo"]), least=0.9),
            (
                f"processor a message: the plain bot takes {ratio(costs['plain bot'], costs['kvitok']):.2f} of ours,"
                f" the echo {ratio(costs['echo'], costs['kvitok']):.2f}"
            ),
            *(load_note(name, of) for name, of in loads.items()),
        ),
    )


# --- By messenger -----------------------------------------------------------------------------------


async def channels() -> Part:
    """The same question over each messenger, all of them on in one process, one loaded at a time."""
    loads: dict[str, list[Load]] = {name: [] for name in ASKING}
    async with wide_ground(accounts=ACCOUNTS, chats=CHATS) as here, sinking() as sink:
        async with connect(here.server.url("app")) as db:
            for name, asking in ASKING.items():
                if name != "telegram":
                    await settle(db, name, asking.chats(CHATS), here.accounts)
            await db.execute("analyze")
        async with kvitok(here, sink.process.port, *ASKING) as server:
            loaders = {name: Loader(sink, asking, asking.chats(CHATS)) for name, asking in ASKING.items()}
            for _ in range(ROUNDS):
                for name, loader in loaders.items():
                    await loader.load([server], WARM_S, EXPECTED_PER_S)
                    loads[name].append(await loader.load([server], SECONDS / 2, EXPECTED_PER_S))
    costs = {name: statistics.median(each.cpu_us for each in of) for name, of in loads.items()}
    return Part(
        tuple(figure for name, of in loads.items() for figure in load_figures(name, of)),
        (
            goal(
                "the dearest / the cheapest, processor", max(costs.values()) / min(costs.values()), most=1.5
            ),
            *(load_note(name, of) for name, of in loads.items()),
        ),
    )


# --- By processes -----------------------------------------------------------------------------------


async def workers() -> Part:
    """1, 2 and 4 processes on one database, the load spread over them."""
    asking = ASKING["telegram"]
    loads: dict[str, list[Load]] = {}
    async with wide_ground(accounts=ACCOUNTS, chats=CHATS) as here, sinking() as sink:
        loader = Loader(sink, asking, asking.chats(CHATS))
        for number in (1, 2, 4):
            name = f"{number} processes" if number > 1 else "1 process"
            async with AsyncExitStack() as own:
                servers = [
                    await own.enter_async_context(kvitok(here, sink.process.port, "telegram"))
                    for _ in range(number)
                ]
                await loader.load(servers, WARM_S, EXPECTED_PER_S)
                loads[name] = [await loader.load(servers, SECONDS, EXPECTED_PER_S) for _ in range(ROUNDS)]
    one = [each.per_s for each in loads["1 process"]]
    return Part(
        tuple(figure for name, of in loads.items() for figure in load_figures(name, of)),
        (
            *(
                f"{name}: {ratio([each.per_s for each in of], one):.2f} times one process"
                for name, of in loads.items()
            ),
            *(load_note(name, of) for name, of in loads.items()),
            "the limit is the machine once all cores are busy: PostgreSQL, wrk and the sink share it",
        ),
    )
