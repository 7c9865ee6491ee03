"""The ground that measurements stand on: a server of their own, a town, residents linked to its accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.towns import fill
from bots.town.writing import write_town
from core.messages import Month
from storage.database import Connection, connect
from storage.embedded import EmbeddedPostgres
from storage.exchange import import_files
from storage.keys import Keys
from storage.migrating import migrate

MASTER: Final = "m" * 64
BILLING: Final = "b" * 64
KEYS: Final = Keys.of(master=MASTER.encode(), billing=BILLING.encode())
FIRST_CHAT: Final = 100_000_000

# As it comes, PostgreSQL has room for a town of some ten thousand accounts; see docs/operations.md.
MEMORY: Final = {"shared_buffers": "2GB", "maintenance_work_mem": "1GB", "max_wal_size": "8GB"}

# How much somebody is still to hear of: messages on their way, and events whose turns are to come.
UNSETTLED: Final = """
select (select count(*) from outbox where state in ('queued', 'sending', 'unknown'))
  + (select count(*) from event where done_at is null)
"""

# Residents with one chat and one linked account each; the accounts are spread over the whole town.
RESIDENTS: Final = """
with chats as (
  insert into chat (channel, address_hash, address, private, created_at, last_seen_at)
  select $5, hash, sealed, true, $4, $4 from unnest($1::bytea[], $2::bytea[]) as made (hash, sealed)
  returning id
), numbered as (select id, row_number() over (order by id) as place from chats),
residents as (insert into resident (created_at) select $4 from numbered returning id),
placed as (select id, row_number() over (order by id) as place from residents),
consents as (
  insert into consent (resident_id, chat_id, channel, version, text_hash, given_at)
  select placed.id, numbered.id, $5, '2026-11', '', $4 from numbered join placed using (place)
)
insert into account_link (resident_id, account_id, chat_id, proof, current, linked_at)
select placed.id, accounts.id, numbered.id, 'code', true, $4
from numbered join placed using (place)
join (select id, row_number() over (order by id) as place from account) as accounts
  on accounts.place = (numbered.place - 1) * 7919 % $3 + 1
"""

BIND: Final = """
update chat set resident_id = account_link.resident_id from account_link
where account_link.chat_id = chat.id and chat.resident_id is null
"""


@dataclass(frozen=True)
class Ground:
    """A server with a town in it."""

    server: EmbeddedPostgres
    accounts: int
    chats: int


@asynccontextmanager
async def wide_ground(
    *, accounts: int, chats: int, months: int = 12, lines: int = 12
) -> AsyncIterator[Ground]:
    """As `ground`, of a town of 20 services an account, filled by SQL; see `benchmarks.towns`."""
    async with empty_ground() as server:
        await _give_memory(server)
        async with connect(server.url("owner")) as db:
            newest = Month.of(datetime.now(UTC).date()).plus(-1).first_day
            await fill(db, accounts=accounts, newest=newest, months=months, lines=lines)
        async with connect(server.url("app")) as db:
            await settle(db, "telegram", [str(FIRST_CHAT + number) for number in range(chats)], accounts)
        async with connect(server.url("owner")) as db:
            await db.execute("vacuum (analyze)")
        yield Ground(server, accounts, chats)


async def _give_memory(server: EmbeddedPostgres) -> None:
    """Restart *server* with as much memory as docs/operations.md would have an operator give it."""
    async with connect(server.url("superuser")) as db:
        for name, much in MEMORY.items():
            await db.execute(f"alter system set {name} = '{much}'")
    server.stop()
    server.start()


@asynccontextmanager
async def ground(*, accounts: int, chats: int) -> AsyncIterator[Ground]:
    """A durable server of our own with a town of *accounts* and *chats* of residents linked to them."""
    async with empty_ground() as server:
        async with connect(server.url("app")) as db:
            await populate(db, server.folder / "town", accounts, chats)
        yield Ground(server, accounts, chats)


@asynccontextmanager
async def empty_ground() -> AsyncIterator[EmbeddedPostgres]:
    """A durable server of our own with its tables made and nothing in them."""
    with TemporaryDirectory(prefix="kvitok-bench-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder)) as server:
            await migrate(server.url("owner"))
            yield server


async def populate(db: Connection, folder: Path, accounts: int, chats: int) -> None:
    """A town of *accounts*, generated into *folder* and imported, and *chats* of residents linked to them."""
    now = datetime.now(UTC)
    files = write_town(folder, accounts=accounts, seed=1, today=now.date(), key=BILLING.encode())
    await import_files(db, files, now=now)
    await settle(db, "telegram", [str(FIRST_CHAT + number) for number in range(chats)], accounts)
    await db.execute("analyze")


async def settle(db: Connection, channel: str, names: Sequence[str], accounts: int) -> None:
    """Residents with a chat of *channel* each by these *names*, linked to accounts all over a town of so many."""
    async with db.transaction():
        await db.execute(
            RESIDENTS,
            [KEYS.address_hash(channel, name) for name in names],
            [KEYS.sealed(channel, name) for name in names],
            accounts,
            datetime.now(UTC),
            channel,
        )
        await db.execute(BIND)
