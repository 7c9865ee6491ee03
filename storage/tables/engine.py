"""What the engine keeps: update keys, events to run, lanes and messages to send, paces, pollers' positions."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from storage.tables.metadata import METADATA

# Keys of updates that were handled, in daily partitions that are dropped after six days.
INBOX = Table(
    "inbox",
    METADATA,
    Column("day", Date, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    postgresql_partition_by="RANGE (day)",
)

# What happened that a chat is to hear of; run by the engine as turns, each once.
EVENT = Table(
    "event",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("chat_id", ForeignKey("chat.id"), nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Index("event_waiting_idx", "id", postgresql_where=text("done_at is null")),
)

# A chat's queue: one message at a time, in order. `epoch` fences a sender that lost its lease.
LANE = Table(
    "lane",
    METADATA,
    Column("chat_id", ForeignKey("chat.id"), primary_key=True),
    Column("channel", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    Column("leased_until", DateTime(timezone=True)),
    # When the head may be sent; null: nothing waits.
    Column("due_at", DateTime(timezone=True)),
    # The message class of the head: replies go first.
    Column("head_class", SmallInteger, nullable=False, server_default="0"),
    # No earlier than this, by the chat's own pace.
    Column("free_at", DateTime(timezone=True)),
    Index("lane_due_idx", "channel", "head_class", "due_at", postgresql_where=text("due_at is not null")),
)

# state: queued, sending, sent, unknown, dead
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # Forgetting a chat looks for all that was ever sent to it.
    Column("chat_id", ForeignKey("chat.id"), nullable=False, index=True),
    Column("channel", Text, nullable=False),
    Column("message_class", SmallInteger, nullable=False),
    Column("body", Text),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("queued_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("first_tried_at", DateTime(timezone=True)),
    # Which markup to leave out when sent anew: '', 'edit', 'markup'.
    Column("without", Text, nullable=False, server_default=""),
    Column("platform_message", Text),
    Column("sent_at", DateTime(timezone=True)),
    Column("reason", Text),
    # The event that it tells of, until that is moved to another chat; events are dropped before it.
    Column("event_id", BigInteger),
    Index(
        "outbox_waiting_idx",
        "chat_id",
        "id",
        postgresql_where=text("state in ('queued', 'sending', 'unknown')"),
    ),
    Index("outbox_sent_idx", "sent_at", postgresql_where=text("state = 'sent' and body is not null")),
    Index("outbox_dead_idx", "queued_at", postgresql_where=text("state = 'dead' and body is not null")),
)

# A channel's pace: a token bucket, and until when the channel is held.
BUCKET = Table(
    "bucket",
    METADATA,
    Column("channel", Text, primary_key=True),
    Column("rate", Float, nullable=False),
    Column("burst", Float, nullable=False),
    Column("tokens", Float, nullable=False),
    Column("refilled_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("held_until", DateTime(timezone=True)),
    Column("stopped_why", Text),
)

# Where a poller stands; saved in the transaction of the updates before it.
POSITION = Table(
    "position",
    METADATA,
    Column("channel", Text, primary_key=True),
    Column("position", Text, nullable=False),
)

# A platform's own id of a file that was uploaded before.
UPLOAD = Table(
    "upload",
    METADATA,
    Column("channel", Text, primary_key=True),
    Column("sha256", LargeBinary, primary_key=True),
    Column("file", Text, nullable=False),
    Column("uploaded_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
)

# The app's role owns no table, so the owner lends it this one right: to make and drop the inbox's days.
INBOX_ROLL: Final = """
create function inbox_roll() returns void language plpgsql security definer set search_path from current as $$
declare
  the_day date;
  old text;
begin
  perform pg_advisory_xact_lock(hashtext('inbox_roll'));
  delete from inbox_rest where inbox_rest.day < current_date - 6;
  for the_day in select generate_series(current_date, current_date + 2, interval '1 day')::date loop
    if to_regclass('inbox_' || to_char(the_day, 'YYYYMMDD')) is null
      and not exists (select from inbox_rest where inbox_rest.day = the_day)
    then
      execute format('create table %I partition of inbox for values from (%L) to (%L)',
        'inbox_' || to_char(the_day, 'YYYYMMDD'), the_day, the_day + 1);
    end if;
  end loop;
  for old in
    select child.relname from pg_inherits
    join pg_class child on child.oid = inhrelid
    where inhparent = 'inbox'::regclass and child.relname ~ '^inbox_[0-9]{8}$'
      and to_date(right(child.relname, 8), 'YYYYMMDD') < current_date - 6
  loop
    execute format('drop table %I', old);
  end loop;
end
$$
"""

AFTER_TABLES: Final[tuple[str, ...]] = (
    # A day whose partition was not made in time lands here, so that no message is refused.
    "create table inbox_rest partition of inbox default",
    INBOX_ROLL,
    "select inbox_roll()",
    # Lanes are rewritten at every message: leave room on the page, so that updates stay off the indexes.
    "alter table lane set (fillfactor = 70)",
    "alter table chat set (fillfactor = 70)",
    "alter table outbox set (fillfactor = 85)",
)
