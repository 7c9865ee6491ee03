"""Tries to prove an account: counted within the limits, whether the typed number exists or not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final

import asyncpg
import msgspec

from core.money import Money
from core.questions import Blocked, ByCode, ByMeter, ByTotal, NotProven, Proven, TryProof
from core.tries import (
    ALARM_MAX,
    ALARM_SPAN,
    CHANNEL_HOUR_MAX,
    CHAT_DAY_MAX,
    NUMBER_DAY_MAX,
    Hold,
    Tried,
    blocked_until,
    channel_hold,
    number_hold,
)
from storage.database import Connection
from storage.keys import Keys

# Tries of one number, and those over one channel, go one after the other until the transaction ends, in the order of
# the keys: who tries beside others must not slip past a limit that they reach.
LOCK_TRIES: Final = """
select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as asked (key) order by key
"""

# Which account each number and proof belong to, if the proof fits it. A number that does not exist takes
# the same way through the same statement.
PROVEN: Final = """
select asked.place, account.id as account
from unnest($1::int[], $2::text[], $3::bigint[], $4::bytea[], $5::text[], $6::numeric[])
  as asked (place, number, total, code_hash, serial_end, reading)
left join account on account.number = asked.number and account.closed_on is null and (
  asked.total > 0 and exists (
    select from (
      select total_due from bill where bill.account_id = account.id order by period desc limit 3
    ) as latest
    where latest.total_due = asked.total
  )
  or account.link_secret_hash = asked.code_hash
  or asked.serial_end is not null and exists (
    select from meter
    cross join lateral (
      select distinct on (reading.register_no) reading.value from reading
      where reading.meter_id = meter.id and reading.status in ('accepted', 'locked')
      order by reading.register_no, reading.counted_period desc, reading.id desc
    ) as latest
    where meter.account_id = account.id and meter.closed_on is null
      and right(regexp_replace(meter.serial, '[^0-9]', '', 'g'), length(asked.serial_end)) = asked.serial_end
      and latest.value > 0 and asked.reading between latest.value * 0.95 and latest.value * 1.05
  )
)
order by asked.place
"""

# What was tried wrongly before each try: times newest first, as far as the limits look, and the holds.
TRIED: Final = """
select asked.place, chat.address_hash as chat_hash, number_hold.until as number_until,
  number_hold.lasted_s as number_lasted_s, channel_hold.until as channel_until,
  channel_hold.lasted_s as channel_lasted_s,
  array(
    select at from link_try
    where chat_hash = chat.address_hash and not proven and at > asked.at - interval '1 day'
    order by at desc limit $5
  ) as of_chat,
  array(
    select at from link_try
    where number_hash = asked.number_hash and not proven and at > asked.at - interval '1 day'
    order by at desc limit $6
  ) as of_number,
  array(
    select at from link_try
    where link_try.channel = chat.channel and not proven and at > asked.at - interval '1 hour'
      and at >= coalesce(channel_hold.until, '-infinity')
    order by at desc limit $7
  ) as of_channel
from unnest($1::int[], $2::bigint[], $3::bytea[], $4::timestamptz[]) as asked (place, chat_id, number_hash, at)
join chat on chat.id = asked.chat_id
left join link_hold as number_hold on number_hold.scope = 'number' and number_hold.key = asked.number_hash
left join link_hold as channel_hold
  on channel_hold.scope = 'channel' and channel_hold.key = convert_to(chat.channel, 'UTF8')
order by asked.place
"""


class _Asked(msgspec.Struct):
    """A try with what is known of its chat, its number, and the account that it proves."""

    question: TryProof
    number_hash: bytes
    chat_hash: bytes
    account: int | None


class _Past:
    """Earlier wrong tries and holds, growing with the tries of the batch."""

    def __init__(self) -> None:
        self.chats: dict[bytes, list[datetime]] = {}
        self.numbers: dict[bytes, list[datetime]] = {}
        self.channels: dict[str, list[datetime]] = {}
        self.holds: dict[tuple[str, bytes], Hold] = {}
        self.new_holds: dict[tuple[str, bytes], Hold] = {}
        self.tries: list[tuple[datetime, str, int, bytes, bytes, bool]] = []

    def load(self, asked: _Asked, row: asyncpg.Record) -> None:
        self.chats[asked.chat_hash] = list(row["of_chat"])
        self.numbers[asked.number_hash] = list(row["of_number"])
        self.channels[asked.question.channel] = list(row["of_channel"])
        for scope, key in self._scopes(asked):
            if (until := row[f"{scope}_until"]) is not None:
                self.holds[scope, key] = Hold(until, timedelta(seconds=row[f"{scope}_lasted_s"]))

    @staticmethod
    def _scopes(asked: _Asked) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
        return ("number", asked.number_hash), ("channel", asked.question.channel.encode())

    def tried(self, asked: _Asked) -> Tried:
        number, channel = self._scopes(asked)
        return Tried(
            self.chats[asked.chat_hash],
            self.numbers[asked.number_hash],
            self.channels[asked.question.channel],
            self.holds.get(number),
            self.holds.get(channel),
        )

    def count(self, asked: _Asked) -> None:
        """Note a try that was let in; a wrong one may bring its number or its channel under a hold."""
        question, wrong = asked.question, asked.account is None
        self.tries.append(
            (question.at, question.channel, question.chat, asked.chat_hash, asked.number_hash, not wrong)
        )
        if not wrong:
            return
        self.chats[asked.chat_hash].insert(0, question.at)
        self.numbers[asked.number_hash].insert(0, question.at)
        self.channels[question.channel].insert(0, question.at)
        tried = self.tried(asked)
        number, channel = self._scopes(asked)
        for scope, hold in (
            (number, number_hold(tried, question.at)),
            (channel, channel_hold(tried, question.at)),
        ):
            if hold is not None:
                self.holds[scope] = self.new_holds[scope] = hold


async def try_proof(
    db: Connection, asked: Sequence[TryProof], *, keys: Keys
) -> list[Proven | NotProven | Blocked]:
    """Count each try and check its proof, unless the limits block it: then nothing is counted or told."""
    hashes = [keys.number_hash(question.number) for question in asked]
    channels = {sha256(question.channel.encode()).digest() for question in asked}
    locks = sorted({int.from_bytes(digest[:8], signed=True) for digest in (*hashes, *channels)})
    await db.execute(LOCK_TRIES, locks)
    proven = await _proven(db, asked, keys)
    rows = await db.fetch(
        TRIED,
        list(range(len(asked))),
        [question.chat for question in asked],
        hashes,
        [question.at for question in asked],
        CHAT_DAY_MAX,
        NUMBER_DAY_MAX,
        CHANNEL_HOUR_MAX,
    )
    tries = [
        _Asked(question, digest, row["chat_hash"], account)
        for question, digest, row, account in zip(asked, hashes, rows, proven, strict=True)
    ]
    past = _Past()
    for each, row in zip(tries, rows, strict=True):
        past.load(each, row)
    verdicts = [_verdict(past, each) for each in tries]
    await _keep(db, past)
    return verdicts


def _verdict(past: _Past, asked: _Asked) -> Proven | NotProven | Blocked:
    until = blocked_until(past.tried(asked), asked.question.at)
    if until is not None:
        return Blocked(until)
    past.count(asked)
    return NotProven() if asked.account is None else Proven(asked.account)


async def _proven(db: Connection, asked: Sequence[TryProof], keys: Keys) -> list[int | None]:
    columns = zip(*(_columns(question, keys) for question in asked), strict=True)
    rows = await db.fetch(PROVEN, list(range(len(asked))), *map(list, columns))
    return [row["account"] for row in rows]


def _columns(
    question: TryProof, keys: Keys
) -> tuple[str, int | None, bytes | None, str | None, Decimal | None]:
    match question.proof:
        case ByTotal(Money(kopecks)):
            return question.number, kopecks, None, None, None
        case ByCode(code):
            return question.number, None, keys.code_hash(code), None, None
        case ByMeter(serial_end, reading):
            return question.number, None, None, serial_end, reading


# Keeps the tries that were let in.
ADD_TRIES: Final = """
insert into link_try (at, channel, chat_id, chat_hash, number_hash, proven) values ($1, $2, $3, $4, $5, $6)
"""

# Keeps a hold in place of an earlier one.
HOLD: Final = """
insert into link_hold (scope, key, until, lasted_s) values ($1, $2, $3, $4)
on conflict (scope, key) do update set until = excluded.until, lasted_s = excluded.lasted_s
"""

# One case for staff while many proofs go wrong, and none while there is one of the last hour.
ALARM: Final = """
insert into staff_case (kind, facts, opened_at)
select 'linking_flood', $4, $1
where $3 <= (select count(*) from link_try where not proven and at > $2 and at <= $1)
  and not exists (
    select from staff_case
    where kind = 'linking_flood' and state = 'open' and opened_at > $1::timestamptz - interval '1 hour'
  )
"""


async def _keep(db: Connection, past: _Past) -> None:
    await db.executemany(ADD_TRIES, past.tries)
    wrong_at = [at for at, *_, proven in past.tries if not proven]
    if not wrong_at:
        return
    holds = [
        (*scope, hold.until, int(hold.lasted.total_seconds()))
        for scope, hold in sorted(past.new_holds.items())
    ]
    await db.executemany(HOLD, holds)
    latest = max(wrong_at)
    facts = {"wrong_tries_min": str(ALARM_MAX)}
    await db.execute(ALARM, latest, latest - ALARM_SPAN, ALARM_MAX, facts)


# Lets a number's linking be tried again, as staff decide.
LIFT_HOLD: Final = "delete from link_hold where scope = 'number' and key = $1 returning true"


async def lift_hold(db: Connection, number: str, *, keys: Keys) -> bool:
    """Whether linking this number was closed; it is open again."""
    return bool(await db.fetchval(LIFT_HOLD, keys.number_hash(number)))


# Forgets tries that no limit looks at any more.
FORGET_TRIES: Final = "delete from link_try where at < $1::timestamptz - interval '2 days'"


async def forget_tries(db: Connection, *, now: datetime) -> None:
    """Forget tries older than the limits look back."""
    await db.execute(FORGET_TRIES, now)
