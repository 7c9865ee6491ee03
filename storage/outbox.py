"""Messages to send: rows before they are requests, each chat's in a lane of its own (`storage.lanes`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from core.messages import Message, MessageClass
from storage.database import Connection
from storage.lanes import LEASE_S, Leased


class Outgoing(msgspec.Struct, frozen=True):
    """A message on its way into the outbox.

    *event*: the number of what it tells of unasked. Of what it confirms, another chat is told if this one turns
    out unreachable.
    """

    chat: int
    channel: str
    message: Message
    event: int | None = None


ENCODER: Final = msgspec.json.Encoder()
DECODER: Final = msgspec.json.Decoder(Message)

# Adds messages in the given order and has the lanes of their chats due; lanes, in the order of chats, and then the
# buckets come last in the order of locks. The heads of lanes in which nothing waits are leased at once to the senders
# of $6, as many of each channel as $7 and its bucket allow: what `lanes.lease` does, for what has just come about. Gives
# these.
ADD: Final = """
with added as materialized (
  select chat_id, channel, message_class, body, event_id, place
  from unnest($1::bigint[], $2::text[], $3::smallint[], $4::text[], $5::bigint[]) with ordinality
    as added (chat_id, channel, message_class, body, event_id, place)
), head as materialized (
  select distinct on (chat_id) chat_id, channel, message_class, place from added order by chat_id, place
), known as materialized (
  select chat_id, channel, epoch,
    due_at is null and leased_until is null and coalesce(free_at <= clock_timestamp(), true) as idle
  from lane where chat_id = any($1) order by chat_id for update
), pace as materialized (
  select channel, room, at, least(burst, tokens + rate * extract(epoch from at - refilled_at)) as tokens
  from bucket join unnest($6::text[], $7::int[]) as sender (channel, room) using (channel)
  cross join (select clock_timestamp() as at) as clock
  where stopped_why is null and (held_until is null or held_until <= at)
    and channel in (select channel from head where message_class <> $9)
  order by channel for update of bucket
), leased as materialized (
  select chat_id, channel, epoch, begun, place from (
    select chat_id, head.channel, coalesce(known.epoch, 0) + 1 as epoch, known.epoch is null as begun, head.place,
      least(floor(tokens), room) as room,
      row_number() over (partition by head.channel order by head.message_class, head.place) as number
    from head left join known using (chat_id) join pace on pace.channel = head.channel
    where coalesce(idle, true) and head.message_class <> $9
  ) as idle where number <= room
), taken as (
  update bucket set tokens = pace.tokens - spent.number, refilled_at = pace.at
  from pace join (select channel, count(*) as number from leased group by channel) as spent using (channel)
  where bucket.channel = pace.channel
), lanes as (
  insert into lane (chat_id, channel, due_at, head_class, epoch, leased_until)
  select added.chat_id, min(added.channel), clock_timestamp(), min(message_class), coalesce(min(leased.epoch), 0),
    case when min(leased.epoch) is not null then clock_timestamp() + make_interval(secs => $8) end
  from added left join leased using (chat_id)
  group by added.chat_id order by added.chat_id
  on conflict (chat_id) do update set
    due_at = coalesce(lane.due_at, greatest(excluded.due_at, lane.free_at)),
    head_class = case when lane.due_at is null then excluded.head_class
      else least(lane.head_class, excluded.head_class) end,
    (epoch, leased_until) = (
      -- Not of a lane that another has begun meanwhile.
      select case when ours then excluded.epoch else lane.epoch end,
        case when ours then excluded.leased_until else lane.leased_until end
      from (select lane.due_at is null and excluded.epoch = lane.epoch + 1) as found (ours)
    )
  returning chat_id, xmax = 0 as inserted
), ours as materialized (
  select leased.* from leased join lanes using (chat_id) where inserted or not begun
), queued as (
  insert into outbox (chat_id, channel, message_class, body, event_id, state, attempts, first_tried_at)
  select added.chat_id, added.channel, message_class, body, event_id,
    case when ours.place is null then 'queued' else 'sending' end,
    case when ours.place is null then 0 else 1 end,
    case when ours.place is not null then clock_timestamp() end
  from added left join ours using (chat_id, place)
  order by added.place
  returning id, chat_id, state
)
select queued.id, queued.chat_id, ours.epoch, ours.place, chat.address
from queued join ours using (chat_id) join chat on chat.id = ours.chat_id
where queued.state = 'sending'
"""


async def add(
    db: Connection,
    messages: Sequence[Outgoing],
    *,
    senders: Mapping[str, int] | None = None,
    for_s: float = LEASE_S,
) -> list[Leased]:
    """Queue *messages*, each chat's in the given order.

    *senders*: the channels that are sent to from here, and how many messages each has room for. What may leave at
    once is theirs when this is committed, with no lease to be asked for; it is returned. Broadcasts wait.
    """
    if not messages:
        return []
    rooms = senders or {}
    # PostgreSQL's text holds no NUL; a resident may have typed one.
    bodies = [ENCODER.encode(each.message).decode().replace("\\u0000", "") for each in messages]
    rows = await db.fetch(
        ADD,
        [each.chat for each in messages],
        [each.channel for each in messages],
        [int(each.message.message_class) for each in messages],
        bodies,
        [each.event for each in messages],
        list(rooms),
        list(rooms.values()),
        for_s,
        int(MessageClass.BROADCAST),
    )
    return [
        Leased(
            id=row["id"],
            chat=row["chat_id"],
            epoch=row["epoch"],
            address=row["address"],
            message_class=messages[row["place"] - 1].message.message_class,
            body=bodies[row["place"] - 1],
            attempts=1,
            without="",
            uncertain=False,
            event=messages[row["place"] - 1].event,
        )
        for row in rows
    ]


# A chat that cannot be reached: marked, and what waits for it is dead, in order not to be tried again. What
# is being sent is its sender's to settle. Gives the events that were to be confirmed there, each once.
UNREACHABLE: Final = """
with marked as (
  update chat set unreachable_at = coalesce(unreachable_at, clock_timestamp()) where id = any($1::bigint[])
), waiting as (
  select id, state, case when message_class = $2 then event_id end as event_id from outbox
  where chat_id = any($1::bigint[]) and state in ('queued', 'sending', 'unknown')
  order by id for update
), let_go as (
  update outbox set
    state = case when waiting.state = 'sending' then 'sending' else 'dead' end,
    reason = 'unreachable',
    event_id = null
  from waiting where outbox.id = waiting.id
)
select distinct event_id from waiting where event_id is not null order by event_id
"""


async def mark_unreachable(db: Connection, chats: Sequence[int]) -> list[int]:
    """Mark *chats* as unreachable; what waits for them is not sent.

    Returns the numbers of events whose confirmations they will not get, never the same one again.
    """
    return [row["event_id"] for row in await db.fetch(UNREACHABLE, chats, int(MessageClass.CONFIRMATION))]


# Empties what was sent, or given up, more than 30 days ago: the text of a message is kept no longer (privacy,
# retention).
EMPTY_ENDED: Final = """
update outbox set body = null
where id in (
  (
    select id from outbox where state = 'sent' and body is not null
      and sent_at < clock_timestamp() - interval '30 days' limit 5000
  ) union all (
    select id from outbox where state = 'dead' and body is not null
      and queued_at < clock_timestamp() - interval '30 days' limit 5000
  )
)
"""


async def empty_ended(db: Connection) -> None:
    """Empty the bodies of messages that were sent, or given up, more than 30 days ago."""
    await db.execute(EMPTY_ENDED)
