"""What operators watch: what waits, how long, which channels stand still, when the books were last proven."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Final

import asyncpg
import msgspec

from storage import proof
from storage.database import Connection
from storage.proof import Fault


class Waiting(msgspec.Struct, frozen=True):
    """Messages of one class on one channel that are not at their end, and how long the oldest has waited."""

    channel: str
    message_class: int
    messages: int
    oldest_s: float


class Proven(msgspec.Struct, frozen=True):
    """The last proof of the books."""

    began_s_ago: float
    took_s: float
    faults: int


class Observed(msgspec.Struct, frozen=True):
    """How things stand at one moment: cases and payments by kind and state."""

    outbox: tuple[Waiting, ...] = ()
    stopped: dict[str, bool] = {}
    events: int = 0
    events_oldest_s: float = 0.0
    cases: dict[str, int] = {}
    payments: dict[str, int] = {}
    proven: Proven | None = None


# All of it in one statement, each part over an index of what is open; $1 is the business time.
OBSERVED: Final = """
select jsonb_build_object(
  'outbox', (
    select coalesce(jsonb_agg(to_jsonb(waiting)), '[]') from (
      select channel, message_class, count(*) as messages,
        greatest(0, extract(epoch from clock_timestamp() - min(queued_at)))::float8 as oldest_s
      from outbox where state in ('queued', 'sending', 'unknown') group by channel, message_class
    ) as waiting
  ),
  'stopped', (
    select coalesce(jsonb_object_agg(channel, stopped_why is not null), '{}') from bucket
  ),
  'events', (select count(*) from event where done_at is null),
  'events_oldest_s', (
    select coalesce(greatest(0, extract(epoch from $1::timestamptz - min(created_at))), 0)::float8
    from event where done_at is null
  ),
  'cases', (
    select coalesce(jsonb_object_agg(kind, number), '{}')
    from (select kind, count(*) as number from staff_case where state = 'open' group by kind) as waiting
  ),
  'payments', (
    select coalesce(jsonb_object_agg(state, number), '{}') from (
      select state, count(*) as number from (
        select id, state from payment_attempt where created_at > $1 - interval '1 day'
        union
        select id, state from payment_attempt
        where state in ('created', 'pending', 'unknown') and case_id is null
      ) as recent group by state
    ) as counted
  ),
  'proven', (
    select jsonb_build_object(
      'began_s_ago', extract(epoch from $1 - began_at)::float8, 'took_s', took_s, 'faults', faults
    )
    from proof order by id desc limit 1
  )
)
"""


async def observe(db: Connection, *, now: datetime) -> Observed:
    """How things stand; *now* is the business time."""
    return msgspec.convert(await db.fetchval(OBSERVED, now), Observed)


# --- Readiness ---------------------------------------------------------------------------------------

VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
_REVISION: Final = re.compile(r'^revision = "([^"]+)"$', re.MULTILINE)

# The revision that the schema is at, and whether each channel is stopped.
STANDING: Final = """
select (select version_num from alembic_version) as revision,
  (select coalesce(jsonb_object_agg(channel, stopped_why is not null), '{}') from bucket) as stopped
"""


class Standing(msgspec.Struct, frozen=True):
    """Whether the schema is one that this release can work with, and which channels are stopped."""

    migrated: bool
    stopped: dict[str, bool] = {}


@cache
def newest_revision() -> str:
    """The revision of this release's newest migration: their files, like their revisions, begin with a date."""
    newest = max(VERSIONS.glob("*.py"), key=lambda file: file.name)
    (revision,) = _REVISION.findall(newest.read_text(encoding="utf-8"))
    return str(revision)


async def standing(db: Connection) -> Standing:
    """Whether one may serve. A newer schema is fine: a migration leaves the release before it running."""
    try:
        row = await db.fetchrow(STANDING)
    except asyncpg.UndefinedTableError:
        return Standing(migrated=False)
    revision = row["revision"] if row is not None else None
    migrated = revision is not None and revision >= newest_revision()
    return Standing(migrated=migrated, stopped=row["stopped"] if row is not None else {})


# --- Proving -----------------------------------------------------------------------------------------

# One proof of a centre at a time; whoever comes second leaves it to the first.
ALONE: Final = "select pg_try_advisory_xact_lock(hashtext('kvitok proof'), hashtext(current_schema()))"

# Whether a proof began since then.
SINCE: Final = "select exists (select from proof where began_at >= $1)"

KEEP: Final = "insert into proof (began_at, took_s, faults) values ($1, $2, $3)"


async def prove(db: Connection, *, now: datetime) -> Sequence[Fault]:
    """Prove the books and keep when, how long it took and how much is wrong; the faults."""
    began = perf_counter()
    faults = await proof.verify(db)
    await db.execute(KEEP, now, perf_counter() - began, len(faults))
    return faults


async def prove_daily(db: Connection, *, now: datetime) -> Sequence[Fault] | None:
    """Prove the books unless another process is at it or did it in the day before *now*: None.

    To be called in a transaction; it takes its time.
    """
    if not await db.fetchval(ALONE) or await db.fetchval(SINCE, now - timedelta(days=1)):
        return None
    await db.execute("set local statement_timeout = 0")
    return await prove(db, now=now)
