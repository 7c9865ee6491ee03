"""`kvitok serve` in a process of its own, which ends itself by SIGKILL where a test says.

The product has no hook for this: its parts are wrapped here, in the process that is to die. A wrapped part
does all that it did before; only how soon a lease ends, and how fast a chat may be written to, are others,
for a test cannot wait for a minute and a half.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import uvloop

# Imported here although only wrapped: whoever forks us has them ready.
import adapters.telegram
from adapters.simulated import SimulatedAcquirer
from bots import serve_command, webhooks, wiring
from bots.arrivals import Arrivals
from bots.clock import BusinessClock
from bots.delivery import Delivery
from bots.listening import listening
from bots.senders import Senders
from bots.serving import Parts
from bots.turning import Turning
from core.channel import Pace
from storage import lanes, outbox

LEASE_S: Final = 2.0
UNPACED: Final = Pace(rate=10_000, burst=10_000, chat_rate=10_000, chat_burst=10_000)
# How long a send may have been going on when its process dies, in passes of the loop.
PASSES_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Life:
    """How a process is to live: what it serves, and at which passing of which step it dies ('': of itself never).

    *ahead* is what the business clock is before the real one.
    """

    config: Path
    environment: Mapping[str, str]
    ahead: timedelta = timedelta()
    step: str = ""
    passing: int = 1
    log: Path | None = None
    lease_s: float = LEASE_S
    paced: bool = False
    body_s: float = webhooks.BODY_S


@dataclass(slots=True)
class Fate:
    """Counts the passings of a step down to the last one."""

    left: int

    def is_sealed(self) -> bool:
        """Whether this passing is the last."""
        self.left -= 1
        return self.left <= 0

    def pass_by(self) -> None:
        if self.is_sealed():
            die()


def die() -> None:
    """End this very process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def live(life: Life, ready: Connection) -> None:
    """Serve as *life* says; *ready* hears when the port is open."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if life.log is not None:
        os.dup2(os.open(life.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    os.environ.update(life.environment)
    _wrap(life, ready)
    if life.step:
        STEPS[life.step](Fate(life.passing))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_command.serve(life.config, polling=False, embedded=None))


def _die_with_parent() -> None:
    """Nothing outlives a test run, however that ends."""
    if (parent := parent_process()) is not None:
        parent.join()
    die()


def _wrap(life: Life, ready: Connection) -> None:
    """Move the clock, lift the paces, shorten the leases, and tell when the port is open."""
    clock = BusinessClock()
    clock.set(datetime.now(UTC) + life.ahead)
    parts_of = wiring.parts_of

    def parts_in_time(*args: Any, **named: Any) -> Parts:
        parts = parts_of(*args, **named, clock=clock)
        for channel in () if life.paced else parts.channels.values():
            channel.pace = UNPACED
        return parts

    @asynccontextmanager
    async def listening_aloud(*args: Any, **named: Any) -> AsyncIterator[None]:
        async with listening(*args, **named):
            with suppress(BrokenPipeError):  # who started us has gone
                ready.send(True)
            yield

    _put(wiring, "parts_of", parts_in_time)
    _put(serve_command, "listening", listening_aloud)
    _put(webhooks, "BODY_S", life.body_s)
    _put(lanes, "lease", partial(lanes.lease, for_s=life.lease_s))
    _put(outbox, "add", partial(outbox.add, for_s=life.lease_s))


def _put(owner: object, name: str, other: object) -> None:
    patch.object(owner, name, other).start()


# --- Where to die ---------------------------------------------------------------------------------


def _before(fate: Fate, *, owner: type, name: str) -> None:
    """Die as the function begins."""
    do = getattr(owner, name)

    @wraps(do)
    def then(*args: Any, **named: Any) -> Any:
        fate.pass_by()
        return do(*args, **named)

    _put(owner, name, then)


def _after(fate: Fate, *, owner: type, name: str) -> None:
    """Die as the coroutine ends."""
    do = getattr(owner, name)

    @wraps(do)
    async def then(*args: Any, **named: Any) -> Any:
        done = await do(*args, **named)
        fate.pass_by()
        return done

    _put(owner, name, then)


def _after_receive(fate: Fate) -> None:
    add = Arrivals.add

    def added(self: Arrivals, arrival: Any) -> None:
        add(self, arrival)
        fate.pass_by()

    _put(Arrivals, "add", added)


def _mid_send(fate: Fate) -> None:
    """Some passes of the loop after a send began: its request may have left us, and may have arrived."""
    send = adapters.telegram.Telegram.send

    async def sent(self: adapters.telegram.Telegram, sending: Any) -> Any:
        if not fate.is_sealed():
            return await send(self, sending)
        on_its_way = asyncio.ensure_future(send(self, sending))
        for _ in range(sending.token % PASSES_MAX):
            await asyncio.sleep(0)
        die()
        return await on_its_way

    _put(adapters.telegram.Telegram, "send", sent)


# Each named step of a turn's way, of a message's and of a payment's.
STEPS: Final[Mapping[str, Callable[[Fate], None]]] = {
    "after receive": _after_receive,
    "mid-batch": partial(_after, owner=Turning, name="run"),
    "after commit": partial(_before, owner=Senders, name="committed"),
    "mid-send": _mid_send,
    "after send": partial(_after, owner=Delivery, name="_outcome"),
    "mid-payment": partial(_after, owner=SimulatedAcquirer, name="create"),
}
