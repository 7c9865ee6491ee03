"""Lanes, which keep each chat's order: leased, their heads taken, and settled.

A sender leases the lanes whose head is due, taking tokens from the channel's pace in the same statement,
sends without holding a transaction, and settles what became of it. The lane's epoch fences a sender that
lost its lease: it can no longer settle what another now owns. Leases and paces use the database's own
clock, never the business clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg
import msgspec

from core.channel import Pace
from core.messages import MessageClass
from storage.database import Connection

LEASE_S: Final = 90.0


class Leased(msgspec.Struct, frozen=True):
    """The head of a leased lane: ours to send until the lease ends.

    *body* None: an erased message. *uncertain*: an earlier sender may have delivered it already.
    *queued_s_ago*: when its lane was leased. *stopped*: the last try of it was refused as the whole channel.
    """

    id: int
    chat: int
    epoch: int
    address: bytes | None
    message_class: MessageClass
    body: str | None
    attempts: int
    without: str
    uncertain: bool
    event: int | None = None
    tried_s_ago: float = 0.0
    queued_s_ago: float = 0.0
    stopped: bool = False


class Settled(msgspec.Struct, frozen=True):
    """What became of a leased head: *state* is sent, queued (again after *after_s*), unknown or dead."""

    id: int
    chat: int
    epoch: int
    state: str
    platform_message: str | None = None
    reason: str | None = None
    after_s: float = 0.0
    without: str | None = None
    counts: bool = True


def _leasing(lanes: str) -> str:
    """Leases those of *lanes* whose head is due, as many as the channel's bucket has tokens; replies go first."""
    return f"""
with pace as materialized (
  select at, least(burst, tokens + rate * extract(epoch from at - refilled_at)) as tokens
  from bucket cross join (select clock_timestamp() as at) as clock
  where channel = $1 and stopped_why is null and (held_until is null or held_until <= at)
  for update of bucket
), due as materialized (
  select chat_id from {lanes}
  where channel = $1 and due_at <= clock_timestamp()
    and (leased_until is null or leased_until <= clock_timestamp())
  order by head_class, due_at
  limit least(coalesce((select floor(tokens)::int from pace), 0), $2)
  for update of lane skip locked
), leased as (
  update lane set epoch = epoch + 1, leased_until = clock_timestamp() + make_interval(secs => $3)
  from due where lane.chat_id = due.chat_id
  returning lane.chat_id, lane.epoch
), taken as (
  update bucket set tokens = pace.tokens - (select count(*) from leased), refilled_at = pace.at
  from pace where channel = $1
)
select chat_id, epoch from leased
"""  # noqa: S608  # the lanes are ours


LEASE_DUE: Final = _leasing("lane")
# Of these chats alone: lanes are found by their chats, for the index of what is due is full of what was.
LEASE_OF: Final = _leasing("unnest($4::bigint[]) as woken (chat_id) join lane using (chat_id)")

# The heads of leased lanes, so many of each, marked as being sent. A head that was already being sent is uncertain.
HEADS: Final = """
with head as (
  select first.id, first.state, leased.chat_id, leased.epoch
  from unnest($1::bigint[], $2::bigint[]) as leased (chat_id, epoch)
  cross join lateral (
    select id, state from outbox
    where outbox.chat_id = leased.chat_id and state in ('queued', 'sending', 'unknown')
    order by id limit $3
  ) as first
)
update outbox set
  state = 'sending',
  attempts = attempts + 1,
  first_tried_at = coalesce(first_tried_at, clock_timestamp())
from head join chat on chat.id = head.chat_id
where outbox.id = head.id
returning outbox.id, outbox.chat_id, head.epoch, chat.address, outbox.message_class, outbox.body,
  outbox.attempts, outbox.without, outbox.event_id, head.state <> 'queued' as uncertain,
  head.state = 'queued' and outbox.reason is not null as stopped,
  case when outbox.attempts > 1 then extract(epoch from clock_timestamp() - outbox.first_tried_at)
    else 0 end::float8 as tried_s_ago,
  extract(epoch from clock_timestamp() - outbox.queued_at)::float8 as queued_s_ago
"""

# Lanes that were leased and turned out to have nothing to send.
RELEASE: Final = """
update lane set leased_until = null, due_at = null
from unnest($1::bigint[], $2::bigint[]) as empty (chat_id, epoch)
where lane.chat_id = empty.chat_id and lane.epoch = empty.epoch
  and not exists (
    select from outbox where outbox.chat_id = lane.chat_id and state in ('queued', 'sending', 'unknown')
  )
"""


async def lease(
    db: Connection, channel: str, *, most: int, chats: Iterable[int] | None = None, for_s: float = LEASE_S
) -> list[Leased]:
    """Lease up to *most* due lanes of *channel* (only those of *chats*, if given) and take their heads.

    In a transaction of its own: the heads are read after the leases are taken, so that what another sender
    has just settled is not taken again.
    """
    async with db.transaction():
        if chats is None:
            lanes = await db.fetch(LEASE_DUE, channel, most, for_s)
        else:
            lanes = await db.fetch(LEASE_OF, channel, most, for_s, list(chats))
        if not lanes:
            return []
        numbers, epochs = [row["chat_id"] for row in lanes], [row["epoch"] for row in lanes]
        heads = [leased_from(row) for row in await db.fetch(HEADS, numbers, epochs, 1)]
        if len(heads) < len(lanes):
            await db.execute(RELEASE, numbers, epochs)
        return heads


# Whether lanes are due that nobody has, in a channel that may be sent to.
SOME_WAIT: Final = """
select exists (
  select from lane
  where channel = $1 and due_at <= clock_timestamp()
    and (leased_until is null or leased_until <= clock_timestamp())
) and exists (
  select from bucket
  where channel = $1 and stopped_why is null and (held_until is null or held_until <= clock_timestamp())
)
"""


async def some_wait(db: Connection, channel: str) -> bool:
    """Whether lanes of *channel* wait for a token or for room, and not for the channel to be open again."""
    return bool(await db.fetchval(SOME_WAIT, channel))


def leased_from(row: asyncpg.Record) -> Leased:
    """A row of HEADS."""
    return Leased(
        id=row["id"],
        chat=row["chat_id"],
        epoch=row["epoch"],
        address=row["address"],
        message_class=MessageClass(row["message_class"]),
        body=row["body"],
        attempts=row["attempts"],
        without=row["without"],
        uncertain=row["uncertain"],
        event=row["event_id"],
        tried_s_ago=row["tried_s_ago"],
        queued_s_ago=row["queued_s_ago"],
        stopped=row["stopped"],
    )


# Writes down what became of the heads of the lanes that these senders still own; gives those lanes. They are locked
# in the order of chats first: what is added to one meanwhile waits, and is seen by the statement that follows.
SETTLE: Final = """
with settled as materialized (
  select * from unnest(
    $1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[]
  ) as settled (chat_id, epoch, id, state, platform_message, reason, without, counts)
), owned as materialized (
  select chat_id, epoch, settled.id from lane join settled using (chat_id, epoch)
  order by chat_id
  for update of lane
), written as (
  update outbox set
    state = settled.state,
    platform_message = coalesce(settled.platform_message, outbox.platform_message),
    reason = settled.reason,
    without = coalesce(settled.without, outbox.without),
    attempts = outbox.attempts - case when settled.counts then 0 else 1 end,
    sent_at = case when settled.state = 'sent' then clock_timestamp() end
  from owned join settled using (chat_id, epoch, id)
  where outbox.id = owned.id and outbox.state = 'sending'
)
select chat_id, epoch from owned
"""

# Gives leases back: the next head is due when the chat's own pace and any wait allow.
FREE: Final = """
update lane set
  leased_until = null,
  free_at = paced.free_at,
  head_class = coalesce(next.message_class, 0),
  due_at = case when next.id is not null then
    greatest(clock_timestamp() + make_interval(secs => paced.after_s), paced.free_at)
  end
from (
  -- A chat may be written to once a gap, and after a pause a few times at once: the slack.
  select chat_id, after_s,
    greatest(clock_timestamp(), coalesce(lane.free_at + make_interval(secs => $5), clock_timestamp()))
      + make_interval(secs => $4) - make_interval(secs => $5) as free_at
  from unnest($1::bigint[], $2::bigint[], $3::float8[]) as freed (chat_id, epoch, after_s)
  join lane using (chat_id, epoch)
) as paced
left join lateral (
  select id, message_class from outbox
  where outbox.chat_id = paced.chat_id and state in ('queued', 'sending', 'unknown') order by id limit 1
) as next on true
where lane.chat_id = paced.chat_id
returning extract(epoch from due_at - clock_timestamp())::float8 as due_in_s
"""


async def settle(db: Connection, settled: Sequence[Settled], *, pace: Pace) -> float | None:
    """Write down what became of leased heads and give their lanes back; *pace* is their channel's.

    Nothing of a lost lease is written. Returns in how many seconds the first of these lanes is due again;
    None if nothing waits in them.
    """
    async with db.transaction():
        owned = await db.fetch(
            SETTLE,
            [each.chat for each in settled],
            [each.epoch for each in settled],
            [each.id for each in settled],
            [each.state for each in settled],
            [each.platform_message for each in settled],
            [each.reason for each in settled],
            [each.without for each in settled],
            [each.counts for each in settled],
        )
        ours = {(row["chat_id"], row["epoch"]) for row in owned}
        kept = [each for each in settled if (each.chat, each.epoch) in ours]
        if not kept:
            return None
        gap_s = 1 / pace.chat_rate
        freed = await db.fetch(
            FREE,
            [each.chat for each in kept],
            [each.epoch for each in kept],
            [each.after_s for each in kept],
            gap_s,
            gap_s * (pace.chat_burst - 1),
        )
        return min((row["due_in_s"] for row in freed if row["due_in_s"] is not None), default=None)
